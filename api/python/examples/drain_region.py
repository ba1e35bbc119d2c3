"""Drain every site of a region at once, with await: what somebody else changes meanwhile is read again and repeated.

drain_region.py ORGANIZATION REGION
"""

import asyncio
import sys

from patronus_sdwan import AdminState, AsyncClient, EtagMismatch, Site


async def drain(client: AsyncClient, site: Site) -> str:
    while True:
        site.admin_state = AdminState.DRAINED
        try:
            return (await client.sites.update(site)).name
        except EtagMismatch:
            site = await client.sites.get(site.name)


async def main() -> None:
    organization, region = sys.argv[1:3]
    async with AsyncClient() as client, asyncio.TaskGroup() as tasks:
        sites = client.sites.list(f"organizations/{organization}", filter=f'region = "{region}"')
        drained = [tasks.create_task(drain(client, site)) async for site in sites]
    for task in drained:
        print("drained", task.result())


if __name__ == "__main__":
    asyncio.run(main())
