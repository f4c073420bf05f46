package compress

// XXH32 is for tests that make frames.
var XXH32 = xxh32

// LZ4Size is compared with what the library decompresses.
var LZ4Size = lz4Size
