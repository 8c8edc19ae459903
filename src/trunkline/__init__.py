"""Trunkline: a self-hosted integration layer, one place through which a product reaches every external API it depends on."""

__version__ = "0.1.0"
