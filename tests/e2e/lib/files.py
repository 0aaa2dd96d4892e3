"""The ways in which people and programs change a file, and a folder that is a mounted volume."""

import itertools
import shutil

_versions = itertools.count()


def by_rename(path, text):
    """As it should be done: whole, in one step."""
    new = path.parent / f".{path.name}.new"
    new.write_text(text)
    new.rename(path)


def in_place(path, text):
    path.write_text(text)


def by_removal(path, text):
    path.unlink()
    path.write_text(text)


def as_volume(folder, *names):
    """Turn files of a folder into what Kubernetes mounts: file -> ..data/file, ..data -> ..N/."""
    version = folder / f"..{next(_versions)}"
    version.mkdir()
    (folder / "..data").symlink_to(version.name)
    for name in names:
        (folder / name).rename(version / name)
        (folder / name).symlink_to(f"..data/{name}")


def by_volume_swap(path, text):
    """A new version of the volume: a new folder beside the old one, and ..data switched to it."""
    folder = path.parent
    old = (folder / "..data").resolve()
    version = folder / f"..{next(_versions)}"
    shutil.copytree(old, version)
    (version / path.name).write_text(text)
    (folder / "..data_tmp").symlink_to(version.name)
    (folder / "..data_tmp").rename(folder / "..data")
    shutil.rmtree(old)


WAYS = {"rename": by_rename, "in place": in_place, "removal": by_removal,
        "volume": by_volume_swap}
