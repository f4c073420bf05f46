// Package compress has Kafka's codecs in the framings that Kafka gives them: what stands behind
// the header of a compressed record batch, or in the value of a compressed message of old.
//
//	var codecs compress.Codecs
//	packed, err := codecs.Compress(nil, records, compress.Settings{Codec: compress.LZ4})
//	...
//	records, err = codecs.Decompress(nil, packed, compress.LZ4, 100<<20)
//
// A [Codecs] is safe for concurrent use and keeps the states of codecs for the next call.
// Both calls append to a slice that the caller owns; with slices that are used again nothing is
// allocated. Decompressing stops at a limit, and bytes that are corrupt, cut or made to harm
// are errors within bounded time and memory. [Codecs.Predict] guesses sizes for callers that
// bring buffers, and [Replace] puts a codec of the caller's own in the place of one of Kafka's.
//
// # What is written
//
// Gzip is one member. Snappy has the framing of the Java library snappy-java, as the Java client
// writes it, in blocks of 64 KiB; librdkafka and franz-go write it raw, which every release of
// Kafka reads as well, and which is [Settings].Raw. LZ4 is a frame with blocks of 64 KiB that do
// not depend on each other, without checksums and sizes, like the Java client's: brokers and
// Java clients before 0.10 insist on a wrong header checksum, [Settings].MessageSetV0, later
// ones on the right one beyond message sets of version 0. Zstd is one frame that says its size.
// Releases from 0.8.2 to 4.4 read all of it, as far as they have the codec.
//
// # What is read
//
// More than is written, as far as Java reads it. Gzip may have several members, and anything
// behind the last one. Snappy may be raw or framed, with blocks of any size, joined outputs
// included; it has no end, so that bytes cut off between two blocks go unnoticed. (Kafka's CRC
// notices.) LZ4 may have blocks of any size, blocks that depend on each other, which Java does
// not read, either header checksum, and all other checksums and sizes, which are verified; what
// follows the frame is ignored. Zstd may be several frames, skippable ones among them, with or
// without size and checksum, but no dictionary. No bytes at all are nothing to Snappy and Zstd:
// some releases of Java write that. The library's decoder of Snappy takes the repeated offsets
// of S2 too, which nobody else reads.
//
// # Choosing
//
// Bytes left of 100 in batches of records of JSON. Times are in units of what LZ4 takes, for
// batches of 1 MiB of records of 1 KiB. Levels are those of [Settings]; none is the default.
//
//	          records of 100 B       records of 1 KiB         time to             memory
//	batch   16 KiB 64 KiB 1 MiB    16 KiB 64 KiB 1 MiB    pack   unpack     pack  unpack
//	lz4         38     36    36        42     39    39       1        1  0.2 MiB       -
//	lz4 3       36     34    33        40     36    36     2.4      1.2  0.3 MiB       -
//	lz4 6       34     31    31        38     33    33     4.4      1.2  0.3 MiB       -
//	lz4 12      34     30    30        38     32    32     9.5      1.2  0.3 MiB       -
//	snappy      40     38    38        41     38    37     0.7      1.9  0.1 MiB       -
//	  raw       40     38    37        41     37    36     0.7      2.1        -       -
//	zstd        25     25    26        28     26    25     2.0      3.5  1.3 MiB 0.3 MiB
//	zstd 3      25     25    26        27     25    23     2.7      3.0  2.2 MiB 0.3 MiB
//	zstd 6      24     24    24        26     24    22     4.6      2.8  6.5 MiB 0.3 MiB
//	zstd 10     23     22    22        26     23    21      20      2.8   37 MiB 0.3 MiB
//	gzip 1      29     28    28        31     29    28     1.7       12  0.8 MiB  40 KiB
//	gzip        25     24    24        28     25    25     3.2       11  1.1 MiB  40 KiB
//	gzip 7      25     24    23        27     24    23     6.5       11  1.0 MiB  40 KiB
//	gzip 9      24     23    22        27     23    22      25       11  1.4 MiB  40 KiB
//
// The memory is for each call that runs at the same time. One of each kind stays for the next
// call, the garbage collector takes the others when they are not used. Zstd makes much less of
// what repeats: it looks back 512 KiB, and 1 MiB from level 6 on, the others 64 KiB at most.
package compress
