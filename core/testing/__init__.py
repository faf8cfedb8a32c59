"""The conformance kit: what proves a connector, or the product that uses it, without a platform."""
