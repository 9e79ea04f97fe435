"""S2, WidgetsExpress, as published: every month in dollars (metronome.md section 4)."""

from decimal import Decimal
from typing import NamedTuple


class Month(NamedTuple):
    """One usage invoice of S2."""

    period: str
    compute_h: Decimal
    compute: Decimal
    egress_gb: Decimal
    egress: Decimal
    support_n: Decimal
    support: Decimal
    applied: Decimal
    overage: Decimal
    total: Decimal
    left: Decimal


def _month(row: str) -> Month:
    period, *numbers = row.split("|")
    return Month(period, *map(Decimal, numbers))


MONTHS = [
    _month(row)
    for row in """\
2024-11|1500|570.00|2000|152.00|4|60.00|722.00|0.00|60.00|9278.00
2024-12|1540|585.20|2125|161.50|5|75.00|746.70|0.00|75.00|8531.30
2025-01|1580|600.40|2250|171.00|6|90.00|771.40|0.00|90.00|7759.90
2025-02|1620|615.60|2375|180.50|4|60.00|796.10|0.00|60.00|6963.80
2025-03|1660|630.80|2500|190.00|5|75.00|820.80|0.00|75.00|6143.00
2025-04|1700|646.00|2625|199.50|6|90.00|845.50|0.00|90.00|5297.50
2025-05|1740|661.20|2750|209.00|4|60.00|870.20|0.00|60.00|4427.30
2025-06|1780|676.40|2875|218.50|5|75.00|894.90|0.00|75.00|3532.40
2025-07|1820|691.60|3000|228.00|6|90.00|919.60|0.00|90.00|2612.80
2025-08|1860|706.80|3125|237.50|4|60.00|944.30|0.00|60.00|1668.50
2025-09|1900|722.00|3250|247.00|5|75.00|969.00|0.00|75.00|699.50
2025-10|1940|737.20|3375|256.50|6|90.00|699.50|294.20|384.20|0.00
""".splitlines()
]

SCHEDULED = {
    "2024-11-01": Decimal("11000.00"),
    "2025-02-01": Decimal("1000.00"),
    "2025-05-01": Decimal("1000.00"),
    "2025-08-01": Decimal("1000.00"),
}
