-- Written anew from the configuration when the ledger is opened after the next upgrade.
DROP TABLE owner;
