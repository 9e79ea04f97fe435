"""Floor 2, SHELF of CRM adapters; the object model of a CRM lives here and in mapping files."""
