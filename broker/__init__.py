"""The consent broker: consent, receipts and match decisions for off-platform matching."""

__version__ = "0.1.0"
