package compress

// XXH32 is for tests that make frames.
var XXH32 = xxh32

// LZ4Size and SnappyHolds are compared with what the libraries decompress.
var (
	LZ4Size     = lz4Size
	SnappyHolds = snappyHolds
)
