"""Floor 0, pure: the Salesforce formula language, with exact decimals."""
