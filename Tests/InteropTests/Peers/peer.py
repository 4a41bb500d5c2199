"""One py-libp2p host that a test drives: `peer.py sign|nosign`.

Commands come as JSON lines on standard input, each with an `id` and a `do`; each is answered by a line with that `id` and
either `ok` or `error`. Lines with `event` come unasked. The first line tells the peer id and the listen address. The end of
standard input ends the process.
"""

import hashlib
import json
import logging
import os
import sys

import multiaddr
import trio
from libp2p import new_host
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as create_noise_key_pair
from libp2p.custom_types import TProtocol
from libp2p.host.ping import PingService, handle_ping
from libp2p.kad_dht.kad_dht import DHTMode, KadDHT
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.pubsub.gossipsub import GossipSub
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.pubsub import Pubsub, get_peer_and_seqno_msg_id
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as NoiseTransport
from libp2p.tools.anyio_service import background_trio_service

PING = TProtocol("/ipfs/ping/1.0.0")
ECHO = TProtocol("/rialto-interop/echo/1.0.0")
KEEP = TProtocol("/rialto-interop/keep/1.0.0")
GOSSIP = [TProtocol("/meshsub/1.1.0"), TProtocol("/meshsub/1.0.0")]
CHUNK = 64 << 10


def tell(line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def hash_of_data(message):
    """Rialto's message id: what the message says, not who says it."""
    return hashlib.sha256(message.data).digest()[:20]


async def read_chunk(stream):
    """At least one byte, or none at the end."""
    try:
        return await stream.read(CHUNK)
    except Exception as error:
        if "EOF" in type(error).__name__:
            return b""
        raise


async def echo(stream):
    try:
        while chunk := await read_chunk(stream):
            await stream.write(chunk)
        await stream.close_write()
    except Exception:
        await stream.reset()


async def keep(stream):
    """Reads on, and tells what ends the stream and how many bytes came before it; answers an orderly end."""
    count = 0
    try:
        while chunk := await read_chunk(stream):
            count += len(chunk)
            tell({"event": "read", "count": count})
        end = "reset" if stream.muxed_stream.reset_received else "eof"
    except Exception as error:
        end = type(error).__name__
    tell({"event": "kept", "end": end, "count": count})
    if end == "eof":
        await stream.write(b"after your end")
        await stream.close()


class Peer:
    def __init__(self, signs):
        self.signs = signs
        self.topics = set()
        keys = create_new_key_pair()
        noise = NoiseTransport(keys, create_noise_key_pair().private_key)
        self.host = new_host(key_pair=keys, sec_opt={NOISE: noise}, muxer_preference="YAMUX")
        self.router = GossipSub(
            protocols=GOSSIP,
            degree=6,
            degree_low=4,
            degree_high=12,
            time_to_live=60,
            heartbeat_interval=1,
            spam_protection_enabled=False,
            eclipse_protection_enabled=False,
        )
        if not signs:
            # It compares messages of one author and number, of which these have neither: all would be one.
            self.router._check_equivocation = lambda message: True
        self.pubsub = Pubsub(
            self.host,
            self.router,
            strict_signing=signs,
            msg_id_constructor=get_peer_and_seqno_msg_id if signs else hash_of_data,
        )
        self.dht = KadDHT(self.host, DHTMode.SERVER)
        self.host.set_stream_handler(PING, handle_ping)
        self.host.set_stream_handler(ECHO, echo)
        self.host.set_stream_handler(KEEP, keep)

    async def run(self):
        listen = multiaddr.Multiaddr("/ip4/127.0.0.1/tcp/0")
        async with self.host.run([listen]), background_trio_service(self.pubsub):
            services = background_trio_service(self.router), background_trio_service(self.dht)
            async with services[0], services[1], trio.open_nursery() as nursery:
                await self.pubsub.wait_until_ready()
                self.nursery = nursery
                address = str(self.host.get_transport_addrs()[0]).split("/p2p/")[0]
                tell({"event": "ready", "peer": self.host.get_id().to_base58(), "address": address})
                while line := await trio.to_thread.run_sync(sys.stdin.readline):
                    nursery.start_soon(self.answer, json.loads(line))
                # Nothing here is worth an orderly end, and threads that read would delay it.
                os._exit(0)

    async def answer(self, command):
        try:
            with trio.fail_after(20):
                ok = await getattr(self, "do_" + command["do"])(**command.get("with", {}))
            tell({"id": command["id"], "ok": ok})
        except Exception as error:
            tell({"id": command["id"], "error": f"{type(error).__name__}: {error}"})

    async def do_connect(self, address):
        info = info_from_p2p_addr(multiaddr.Multiaddr(address))
        await self.host.connect(info)

    async def do_ping(self, peer):
        return await PingService(self.host).ping(ID.from_base58(peer), 3)

    async def do_identified(self, peer):
        """What identify told of a peer."""
        store, peer = self.host.get_peerstore(), ID.from_base58(peer)
        while True:
            try:
                protocols = store.get_protocols(peer)
                if GOSSIP[0] in protocols:
                    break
            except Exception:
                pass
            await trio.sleep(0.01)
        return {"protocols": list(protocols), "hasRecord": store.get_peer_record(peer) is not None}

    async def do_echo(self, peer, count):
        """Sends bytes, ends its side, and reads until the other's end: whether they are the same."""
        stream = await self.host.new_stream(ID.from_base58(peer), [ECHO])
        sent = os.urandom(count)

        async def send():
            for start in range(0, count, CHUNK):
                await stream.write(sent[start : start + CHUNK])
            await stream.close_write()

        back = bytearray()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            while chunk := await read_chunk(stream):
                back += chunk
        await stream.close()
        return bytes(back) == sent

    async def do_reset(self, peer):
        stream = await self.host.new_stream(ID.from_base58(peer), [KEEP])
        await stream.write(b"and away")
        await stream.reset()

    async def do_subscribe(self, topic):
        subscription = await self.pubsub.subscribe(topic)

        async def listen():
            while True:
                message = await subscription.get()
                tell({"event": "message", "topic": topic, "data": message.data.hex(), "from": message.from_id.hex()})

        self.nursery.start_soon(listen)

    async def do_publish(self, topic, data):
        if self.signs:
            await self.pubsub.publish(topic, bytes.fromhex(data))
        else:
            message = rpc_pb2.Message(data=bytes.fromhex(data), topicIDs=[topic])
            await self.pubsub.push_msg(self.pubsub.my_id, message)

    async def do_join(self, peer):
        """Puts a connected peer into the hash table's routing table, once it has said that it serves."""
        while not await self.dht.add_peer(ID.from_base58(peer)):
            await trio.sleep(0.01)

    async def do_find(self, peer):
        """The addresses of a peer, by the hash table."""
        found = await self.dht.find_peer(ID.from_base58(peer))
        return [] if found is None else [str(address) for address in found.addrs]

    async def do_provide(self, key):
        return await self.dht.provide(key)

    async def do_providers(self, key):
        return [found.peer_id.to_base58() for found in await self.dht.find_providers(key)]

    async def do_mesh(self, topic, count):
        """Returns when the topic's mesh has so many peers."""
        while len(self.router.mesh.get(topic, ())) < count:
            await trio.sleep(0.01)


logging.disable(logging.CRITICAL)
trio.run(Peer(sys.argv[1] == "sign").run)
