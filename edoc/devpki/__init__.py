"""The development PKI: a hierarchy shaped like the dedicated one, with live TSA, OCSP and CRL.

All names are marked DEV. Nothing made here is ever evidence; a root carries the mark of `edoc.core.devmark`.
"""
