"""The simulators of both vendors in a process of their own."""

from __future__ import annotations

from benchmarks.children import Arguments, be_child, tell, until_parent_ends
from vendor_simulators.kit.sandbox import Sandbox


async def main(arguments: Arguments) -> None:
    """Run the simulators until the parent ends."""
    async with Sandbox.start(
        seed=1, vendors=("acumatica", "pipedrive"), switches=arguments["switches"]
    ) as sandbox:
        tell(sandbox.describe())
        await until_parent_ends()


if __name__ == "__main__":
    be_child(main)
