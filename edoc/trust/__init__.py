"""Whom we trust, and what is known about a certificate at one instant (NĐ 68/2024 Arts 31 and 32).

`store` holds roots, issuing CAs and CRLs; `certificates` reads one certificate; `chain` examines its path;
`revocation` says what CRLs and OCSP answers prove; `fetch` gets CRLs where the network is allowed.
"""
