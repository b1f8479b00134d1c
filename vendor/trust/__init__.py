"""Trust: what AWS must be told about a configuration, as narrow as the configuration proves it can be (T29)."""
