"""The controllers' own systems (a CRM, a customer database), asked live whether a caller was told."""
