"""BLAKE3 in keyed mode, short and slow, written from the paper: for making test vectors only."""

BLOCK, CHUNK = 64, 1024
CHUNK_START, CHUNK_END, PARENT, ROOT, KEYED = 1, 2, 4, 8, 16
IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
      0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
MASK = 0xFFFFFFFF
LANES = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
         (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))


def words(raw):
    return [int.from_bytes(raw[i:i + 4], "little") for i in range(0, len(raw), 4)]


def compress(value, block, counter, length, flags):
    """The first eight words of the output."""
    v = [*value, *IV[:4], counter & MASK, counter >> 32, length, flags]
    m = words(block.ljust(BLOCK, b"\0"))
    for _ in range(7):
        for (a, b, c, d), x, y in zip(LANES, m[0::2], m[1::2]):
            v[a] = (v[a] + v[b] + x) & MASK
            v[d] ^= v[a]
            v[d] = (v[d] >> 16 | v[d] << 16) & MASK
            v[c] = (v[c] + v[d]) & MASK
            v[b] ^= v[c]
            v[b] = (v[b] >> 12 | v[b] << 20) & MASK
            v[a] = (v[a] + v[b] + y) & MASK
            v[d] ^= v[a]
            v[d] = (v[d] >> 8 | v[d] << 24) & MASK
            v[c] = (v[c] + v[d]) & MASK
            v[b] ^= v[c]
            v[b] = (v[b] >> 7 | v[b] << 25) & MASK
        m = [m[i] for i in PERMUTATION]
    return [v[i] ^ v[i + 8] for i in range(8)]


def subtree(key, content, first_chunk, root):
    """The chaining value of a run of chunks; with `root`, the hash."""
    if len(content) <= CHUNK:
        value = key
        blocks = [content[i:i + BLOCK] for i in range(0, len(content), BLOCK)] or [b""]
        for index, block in enumerate(blocks):
            flags = KEYED | (CHUNK_START if index == 0 else 0)
            if index == len(blocks) - 1:
                flags |= CHUNK_END | root
            value = compress(value, block, first_chunk, len(block), flags)
        return value
    chunks = (len(content) + CHUNK - 1) // CHUNK
    left = 1 << (chunks - 1).bit_length() - 1
    halves = [(content[:left * CHUNK], first_chunk), (content[left * CHUNK:], first_chunk + left)]
    values = [subtree(key, half, first, 0) for half, first in halves]
    block = b"".join(word.to_bytes(4, "little") for value in values for word in value)
    return compress(key, block, 0, BLOCK, KEYED | PARENT | root)


def keyed_hash(key, content):
    """The 32 bytes of BLAKE3 keyed with 32 bytes."""
    value = subtree(words(key), content, 0, ROOT)
    return b"".join(word.to_bytes(4, "little") for word in value)
