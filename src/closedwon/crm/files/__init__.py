"""A CRM read from a directory of CSV or JSON exports."""

from closedwon.crm.files.adapter import Export, FilesCrm

__all__ = ["Export", "FilesCrm"]
