"""A py-libp2p host that meets others by multicast DNS alone: `neighbour.py LISTEN`, a multiaddress.

It writes JSON lines: first its own peer id, then each peer that it finds, with its addresses. It dials nobody. The end of standard
input ends it.
"""

import json
import os
import sys

import multiaddr
import trio
from libp2p import new_host
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as create_noise_key_pair
from libp2p.discovery.events.peerDiscovery import peerDiscovery
from libp2p.discovery.mdns.mdns import create_mdns_discovery
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as NoiseTransport


def tell(line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def found(info):
    tell({"found": info.peer_id.to_base58(), "addresses": [str(address) for address in info.addrs]})


async def main():
    keys = create_new_key_pair()
    noise = NoiseTransport(keys, create_noise_key_pair().private_key)
    host = new_host(key_pair=keys, sec_opt={NOISE: noise}, muxer_preference="YAMUX")
    peerDiscovery.register_peer_discovered_handler(found)
    async with host.run([multiaddr.Multiaddr(sys.argv[1])]):
        create_mdns_discovery(host.get_network(), host=host).start()
        tell({"ready": host.get_id().to_base58()})
        await trio.to_thread.run_sync(sys.stdin.read)
        # Nothing here is worth an orderly end, and threads that read would delay it.
        os._exit(0)


trio.run(main)
