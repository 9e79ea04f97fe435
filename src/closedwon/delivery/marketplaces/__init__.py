"""SHELF: marketplaces that take metering reports; one file each, none knows another (R295).

``aws``    BatchMeterUsage of the AWS Marketplace Metering Service, signed with Signature Version 4
``azure``  usageEvent of the Azure marketplace metering API
``gcp``    services.report of Google's Service Control API
"""

from closedwon.delivery.marketplaces.aws import Aws
from closedwon.delivery.marketplaces.azure import Azure
from closedwon.delivery.marketplaces.gcp import Gcp

__all__ = ["Aws", "Azure", "Gcp"]
