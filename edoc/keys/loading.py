"""Load a signing key from where it lives.

load_key("a-person1.p12", passphrase=lambda: getpass())
load_key("pkcs11:token=Van%20thu;object=seal?module-path=/usr/lib/softhsm/libsofthsm2.so", passphrase=pin)
"""

from pathlib import Path

from edoc.core.ports import Scheme, SigningKey
from edoc.keys import pkcs12
from edoc.keys.passphrases import Passphrase


def load_key(
    uri: str | Path,
    *,
    passphrase: Passphrase = None,
    scheme: Scheme | None = None,
    module: str | Path | None = None,
) -> SigningKey:
    """Load a key with its certificate from a PKCS#12 file (`.p12`, `.pfx`) or a token (`pkcs11:`, RFC 7512).

    `passphrase` is the file's passphrase or the token's PIN; it may be a function, which is called when it is
    needed; `pin-source` in a URI goes before it. `scheme` chooses `pss` for an RSA key. `module` is the
    token's library, unless the URI names it; without both the variable `EDOC_PKCS11_MODULE` does. Raises
    `KeyLoadError` with what is wrong and what to do, and `Unavailable` if the token is not there now.
    """
    if str(uri)[:7].lower() == "pkcs11:":
        # Late: only who has a token pays for its library.
        from edoc.keys.tokenkeys import load_token_key

        return load_token_key(str(uri), pin=passphrase, scheme=scheme, module=module)
    return pkcs12.load_file_key(Path(uri), passphrase=passphrase, scheme=scheme)
