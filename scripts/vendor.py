"""Fetch the JavaScript libraries that some pictures need into shared/render/web/vendor/.

    python scripts/vendor.py

Runs ``npm pack`` (Node.js is needed for this alone), checks each archive against the sha256 pinned here, and keeps the
minified file and its license, ``<name>.LICENSE.txt`` beside ``<name>.*.js``. BertViz asks for d3 5 and uses of jQuery
only selectors, events and options, which the slim build has. Plotly's gl3d bundle draws loss landscapes in 3-D, also
where a page's policy forbids ``eval``. Run this again after changing a version; the files are part of the repository.
"""

import hashlib
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

VENDOR = Path(__file__).parents[1] / "shared" / "render" / "web" / "vendor"


@dataclass(frozen=True)
class Library:
    """One package at one version; ``files`` maps paths in its archive to names in the vendor folder."""

    name: str
    version: str
    sha256: str
    files: dict[str, str]


LIBRARIES = (
    Library(
        "d3",
        "5.16.0",
        "2e46da2089b9483a01f4cea7d27d62d463a31348ddd3c309a9a5dc2cb4568cfa",
        {"package/dist/d3.min.js": "d3.min.js", "package/LICENSE": "d3.LICENSE.txt"},
    ),
    Library(
        "jquery",
        "3.7.1",
        "68a9f787516da47c680e09c187bcbac4536b6f85d90eb882844e12919e583f53",
        {"package/dist/jquery.slim.min.js": "jquery.slim.min.js", "package/LICENSE.txt": "jquery.LICENSE.txt"},
    ),
    Library(
        "plotly.js-gl3d-dist-min",
        "3.7.0",
        "1d9516989a9e2a790dac820fa8ce7436f3adec519ccc2d5d0e04bfc7ceb00556",
        {"package/plotly-gl3d.min.js": "plotly-gl3d.min.js", "package/LICENSE": "plotly-gl3d.LICENSE.txt"},
    ),
)


def fetch(library: Library, folder: Path) -> Path:
    """The package's archive in ``folder``; raises ``ValueError`` when it is not the pinned one."""
    command = ["npm", "pack", "--silent", f"--pack-destination={folder}", f"{library.name}@{library.version}"]
    archive = folder / subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != library.sha256:
        raise ValueError(f"{archive.name} has sha256 {found}, not the pinned {library.sha256}; nothing was changed")
    return archive


def unpack(library: Library, archive: Path, folder: Path) -> None:
    """Write the files that are kept, and refuse any that could end the script element they are put into."""
    with tarfile.open(archive) as packed:
        for path, name in library.files.items():
            member = packed.extractfile(path)
            if member is None:
                raise ValueError(f"{archive.name} has no file {path}")
            content = member.read()
            if b"</script" in content.lower():
                raise ValueError(f"{path} of {archive.name} cannot be put inside a script element")
            (folder / name).write_bytes(content)


def main() -> None:
    """Fetch everything."""
    VENDOR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        for library in LIBRARIES:
            unpack(library, fetch(library, Path(temporary)), VENDOR)
            print(f"{library.name} {library.version} -> {', '.join(library.files.values())}")


if __name__ == "__main__":
    main()
