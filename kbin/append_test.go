package kbin_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/franzi-kafka/franzi/kbin"
)

// A golden is a value and its bytes, as Kafka's own Java classes write them (ByteUtils and
// the Types of kafka-clients 4.4.0).
type golden struct {
	name   string
	hex    string
	append func([]byte) []byte
	read   func(*kbin.Reader) any
	want   any
}

// same makes the row of an appender and the reader that belongs to it.
func same[T any](name, hex string, appendTo func([]byte, T) []byte, read func(*kbin.Reader) T, v T) golden {
	return golden{
		name, hex,
		func(dst []byte) []byte { return appendTo(dst, v) },
		func(r *kbin.Reader) any { return read(r) },
		v,
	}
}

// forms makes two rows for a value that has a classic and a compact form, by the functions
// that take the form as an argument.
func forms[T any](name, classic, compact string, appendTo func([]byte, T, bool) []byte, read func(*kbin.Reader, bool) T, v T) []golden {
	row := func(form, hex string, flex bool) golden {
		return golden{
			name + " " + form, hex,
			func(dst []byte) []byte { return appendTo(dst, v, flex) },
			func(r *kbin.Reader) any { return read(r, flex) },
			v,
		}
	}
	return []golden{row("classic", classic, false), row("compact", compact, true)}
}

func flexString(r *kbin.Reader, flex bool) (s string) {
	r.FlexString(&s, flex)
	return s
}

func flexNullableString(r *kbin.Reader, flex bool) (s kbin.NullString) {
	r.FlexNullableString(&s, flex)
	return s
}

// xs is a string of n letters, and xsHex its bytes.
func xs(n int) string    { return strings.Repeat("x", n) }
func xsHex(n int) string { return strings.Repeat("78", n) }

func zerosHex(n int) string { return strings.Repeat("00", n) }

func goldens() []golden {
	rows := []golden{
		same("bool true", "01", kbin.AppendBool, (*kbin.Reader).Bool, true),
		same("bool false", "00", kbin.AppendBool, (*kbin.Reader).Bool, false),
		same("int8 lowest", "80", kbin.AppendInt8, (*kbin.Reader).Int8, math.MinInt8),
		same("int8 highest", "7f", kbin.AppendInt8, (*kbin.Reader).Int8, math.MaxInt8),
		same("int16 byte order", "0102", kbin.AppendInt16, (*kbin.Reader).Int16, 258),
		same("int16 lowest", "8000", kbin.AppendInt16, (*kbin.Reader).Int16, math.MinInt16),
		same("int16 negative", "fffe", kbin.AppendInt16, (*kbin.Reader).Int16, -2),
		same("uint16 byte order", "0102", kbin.AppendUint16, (*kbin.Reader).Uint16, 258),
		same("uint16 highest", "ffff", kbin.AppendUint16, (*kbin.Reader).Uint16, math.MaxUint16), // -1 if signed
		same("int32 byte order", "01020304", kbin.AppendInt32, (*kbin.Reader).Int32, 0x01020304),
		same("int32 lowest", "80000000", kbin.AppendInt32, (*kbin.Reader).Int32, math.MinInt32),
		same("int32 negative", "fffffffe", kbin.AppendInt32, (*kbin.Reader).Int32, -2),
		same("uint32 byte order", "01020304", kbin.AppendUint32, (*kbin.Reader).Uint32, 0x01020304),
		same("uint32 highest", "ffffffff", kbin.AppendUint32, (*kbin.Reader).Uint32, math.MaxUint32), // -1 if signed
		same("int64 byte order", "0102030405060708", kbin.AppendInt64, (*kbin.Reader).Int64, 0x0102030405060708),
		same("int64 lowest", "8000000000000000", kbin.AppendInt64, (*kbin.Reader).Int64, math.MinInt64),
		same("int64 negative", "fffffffffffffffe", kbin.AppendInt64, (*kbin.Reader).Int64, -2),
		same("float64", "3ff8000000000000", kbin.AppendFloat64, (*kbin.Reader).Float64, 1.5),
		same("float64 pi", "400921fb54442d18", kbin.AppendFloat64, (*kbin.Reader).Float64, math.Pi),
		same("float64 infinity", "7ff0000000000000", kbin.AppendFloat64, (*kbin.Reader).Float64, math.Inf(1)),
		same("float64 negative zero", "8000000000000000", kbin.AppendFloat64, (*kbin.Reader).Float64, math.Copysign(0, -1)),
		same("uuid", "000102030405060708090a0b0c0d0e0f", kbin.AppendUUID, (*kbin.Reader).UUID,
			kbin.UUID{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}),

		// Unsigned varints: both sides of each length.
		same("uvarint 0", "00", kbin.AppendUvarint, (*kbin.Reader).Uvarint, 0),
		same("uvarint 1 byte", "7f", kbin.AppendUvarint, (*kbin.Reader).Uvarint, 1<<7-1),
		same("uvarint 2 bytes", "8001", kbin.AppendUvarint, (*kbin.Reader).Uvarint, 1<<7),
		same("uvarint 300", "ac02", kbin.AppendUvarint, (*kbin.Reader).Uvarint, 300), // low bits come first
		same("uvarint 2 bytes full", "ff7f", kbin.AppendUvarint, (*kbin.Reader).Uvarint, 1<<14-1),
		same("uvarint 3 bytes", "808001", kbin.AppendUvarint, (*kbin.Reader).Uvarint, 1<<14),
		same("uvarint 3 bytes full", "ffff7f", kbin.AppendUvarint, (*kbin.Reader).Uvarint, 1<<21-1),
		same("uvarint 4 bytes", "80808001", kbin.AppendUvarint, (*kbin.Reader).Uvarint, 1<<21),
		same("uvarint 4 bytes full", "ffffff7f", kbin.AppendUvarint, (*kbin.Reader).Uvarint, 1<<28-1),
		same("uvarint 5 bytes", "8080808001", kbin.AppendUvarint, (*kbin.Reader).Uvarint, 1<<28),
		same("uvarint int32's highest", "ffffffff07", kbin.AppendUvarint, (*kbin.Reader).Uvarint, math.MaxInt32),
		same("uvarint highest", "ffffffff0f", kbin.AppendUvarint, (*kbin.Reader).Uvarint, math.MaxUint32),

		same("uvarlong 0", "00", kbin.AppendUvarlong, (*kbin.Reader).Uvarlong, 0),
		same("uvarlong 1 byte", "7f", kbin.AppendUvarlong, (*kbin.Reader).Uvarlong, 127),
		same("uvarlong 2 bytes", "8001", kbin.AppendUvarlong, (*kbin.Reader).Uvarlong, 128),
		same("uvarlong beyond 32 bits", "8080808010", kbin.AppendUvarlong, (*kbin.Reader).Uvarlong, 1<<32),
		same("uvarlong int64's highest", "ffffffffffffffff7f", kbin.AppendUvarlong, (*kbin.Reader).Uvarlong, math.MaxInt64),
		same("uvarlong highest", "ffffffffffffffffff01", kbin.AppendUvarlong, (*kbin.Reader).Uvarlong, math.MaxUint64),

		// Zigzag: small numbers are short whatever their sign.
		same("varint 0", "00", kbin.AppendVarint, (*kbin.Reader).Varint, 0),
		same("varint -1", "01", kbin.AppendVarint, (*kbin.Reader).Varint, -1),
		same("varint 1", "02", kbin.AppendVarint, (*kbin.Reader).Varint, 1),
		same("varint 63", "7e", kbin.AppendVarint, (*kbin.Reader).Varint, 63),
		same("varint -64", "7f", kbin.AppendVarint, (*kbin.Reader).Varint, -64),
		same("varint 64", "8001", kbin.AppendVarint, (*kbin.Reader).Varint, 64),
		same("varint -65", "8101", kbin.AppendVarint, (*kbin.Reader).Varint, -65),
		same("varint -8193", "818001", kbin.AppendVarint, (*kbin.Reader).Varint, -8193),
		same("varint highest", "feffffff0f", kbin.AppendVarint, (*kbin.Reader).Varint, math.MaxInt32),
		same("varint lowest", "ffffffff0f", kbin.AppendVarint, (*kbin.Reader).Varint, math.MinInt32),
		same("varlong -1", "01", kbin.AppendVarlong, (*kbin.Reader).Varlong, -1),
		same("varlong 64", "8001", kbin.AppendVarlong, (*kbin.Reader).Varlong, 64),
		same("varlong -8192", "ff7f", kbin.AppendVarlong, (*kbin.Reader).Varlong, -8192),
		same("varlong highest", "feffffffffffffffff01", kbin.AppendVarlong, (*kbin.Reader).Varlong, math.MaxInt64),
		same("varlong lowest", "ffffffffffffffffff01", kbin.AppendVarlong, (*kbin.Reader).Varlong, math.MinInt64),

		same("string", "000161", kbin.AppendString, (*kbin.Reader).String, "a"),
		same("compact string", "0261", kbin.AppendCompactString, (*kbin.Reader).CompactString, "a"),
		same("nullable string", "000161", kbin.AppendNullableString, (*kbin.Reader).NullableString, kbin.Str("a")),
		same("nullable string null", "ffff", kbin.AppendNullableString, (*kbin.Reader).NullableString, kbin.NullString{}),
		same("compact nullable string", "0261", kbin.AppendCompactNullableString, (*kbin.Reader).CompactNullableString, kbin.Str("a")),
		same("compact nullable string null", "00", kbin.AppendCompactNullableString, (*kbin.Reader).CompactNullableString, kbin.NullString{}),

		same("bytes", "000000030102ff", kbin.AppendBytes, (*kbin.Reader).Bytes, []byte{1, 2, 255}),
		same("compact bytes", "040102ff", kbin.AppendCompactBytes, (*kbin.Reader).CompactBytes, []byte{1, 2, 255}),
		same("nullable bytes", "000000030102ff", kbin.AppendNullableBytes, (*kbin.Reader).NullableBytes, []byte{1, 2, 255}),
		same("nullable bytes null", "ffffffff", kbin.AppendNullableBytes, (*kbin.Reader).NullableBytes, nil),
		same("nullable bytes empty", "00000000", kbin.AppendNullableBytes, (*kbin.Reader).NullableBytes, []byte{}),
		same("compact nullable bytes", "040102ff", kbin.AppendCompactNullableBytes, (*kbin.Reader).CompactNullableBytes, []byte{1, 2, 255}),
		same("compact nullable bytes null", "00", kbin.AppendCompactNullableBytes, (*kbin.Reader).CompactNullableBytes, nil),
		same("compact nullable bytes empty", "01", kbin.AppendCompactNullableBytes, (*kbin.Reader).CompactNullableBytes, []byte{}),
	}
	for _, more := range [][]golden{
		forms("string empty", "0000", "01", kbin.AppendFlexString, flexString, ""),
		forms("string of two-byte letters", "0006c39c62756e67", "07c39c62756e67", kbin.AppendFlexString, flexString, "Übung"), // counts bytes
		forms("string 126", "007e"+xsHex(126), "7f"+xsHex(126), kbin.AppendFlexString, flexString, xs(126)),                   // the last length of one byte
		forms("string 127", "007f"+xsHex(127), "8001"+xsHex(127), kbin.AppendFlexString, flexString, xs(127)),
		forms("string 16382", "3ffe"+xsHex(16382), "ff7f"+xsHex(16382), kbin.AppendFlexString, flexString, xs(16382)), // the last length of two
		forms("string 16383", "3fff"+xsHex(16383), "808001"+xsHex(16383), kbin.AppendFlexString, flexString, xs(16383)),
		forms("string longest", "7fff"+xsHex(32767), "808002"+xsHex(32767), kbin.AppendFlexString, flexString, xs(32767)),
		forms("nullable string null", "ffff", "00", kbin.AppendFlexNullableString, flexNullableString, kbin.NullString{}),
		forms("nullable string empty", "0000", "01", kbin.AppendFlexNullableString, flexNullableString, kbin.Str("")),
		forms("nullable string 126", "007e"+xsHex(126), "7f"+xsHex(126), kbin.AppendFlexNullableString, flexNullableString, kbin.Str(xs(126))),
		forms("nullable string 127", "007f"+xsHex(127), "8001"+xsHex(127), kbin.AppendFlexNullableString, flexNullableString, kbin.Str(xs(127))),
		forms("nullable string longest", "7fff"+xsHex(32767), "808002"+xsHex(32767), kbin.AppendFlexNullableString, flexNullableString, kbin.Str(xs(32767))),
		forms("bytes empty", "00000000", "01", kbin.AppendFlexBytes, (*kbin.Reader).FlexBytes, []byte{}),
		forms("bytes 126", "0000007e"+zerosHex(126), "7f"+zerosHex(126), kbin.AppendFlexBytes, (*kbin.Reader).FlexBytes, make([]byte, 126)),
		forms("bytes 127", "0000007f"+zerosHex(127), "8001"+zerosHex(127), kbin.AppendFlexBytes, (*kbin.Reader).FlexBytes, make([]byte, 127)),
		forms("bytes 16382", "00003ffe"+zerosHex(16382), "ff7f"+zerosHex(16382), kbin.AppendFlexBytes, (*kbin.Reader).FlexBytes, make([]byte, 16382)),
		forms("bytes 16383", "00003fff"+zerosHex(16383), "808001"+zerosHex(16383), kbin.AppendFlexBytes, (*kbin.Reader).FlexBytes, make([]byte, 16383)),
		forms("bytes longer than strings may be", "00008000"+zerosHex(32768), "818002"+zerosHex(32768), kbin.AppendFlexBytes, (*kbin.Reader).FlexBytes, make([]byte, 32768)),
		forms("nullable bytes null", "ffffffff", "00", kbin.AppendFlexNullableBytes, (*kbin.Reader).FlexNullableBytes, nil),
		forms("nullable bytes", "000000030102ff", "040102ff", kbin.AppendFlexNullableBytes, (*kbin.Reader).FlexNullableBytes, []byte{1, 2, 255}),
	} {
		rows = append(rows, more...)
	}
	return rows
}

// TestPrimitives holds every appender and its reader against the bytes that Kafka writes.
func TestPrimitives(t *testing.T) {
	for _, g := range goldens() {
		t.Run(g.name, func(t *testing.T) {
			dst := g.append([]byte("before"))
			if got := hex.EncodeToString(dst[len("before"):]); got != g.hex {
				t.Errorf("appended: got %s, want %s", short(got), short(g.hex))
			}
			roomy := append(make([]byte, 0, len(dst)+8), "before"...)
			if got := g.append(roomy); !bytes.Equal(got, dst) {
				t.Errorf("appended where there is room: got %s, want %s", short(hex.EncodeToString(got)), short(hex.EncodeToString(dst)))
			}
			if got := string(dst[:len("before")]); got != "before" {
				t.Errorf("what stood before: got %q, want %q", got, "before")
			}
			b := unhex(t, g.hex)
			r := kbin.NewReader(b)
			got := g.read(r)
			if err := r.Finish(); err != nil {
				t.Errorf("Finish: got %v, want nil", err)
			}
			if d := cmp.Diff(got, g.want, cmpopts.EquateNaNs()); d != "" {
				t.Errorf("read (-got +want):\n%s", d)
			}
			// Bytes that follow are neither read nor needed.
			r.Reset(append(b[:len(b):len(b)], 0xff, 0xff))
			if d := cmp.Diff(g.read(r), g.want); d != "" {
				t.Errorf("read with bytes after it (-got +want):\n%s", d)
			}
			if got := r.Len(); got != 2 {
				t.Errorf("bytes left: got %d, want 2", got)
			}
		})
	}
}

// TestPrimitivesCutShort reads every primitive from all but its last bytes.
func TestPrimitivesCutShort(t *testing.T) {
	for _, g := range goldens() {
		whole := unhex(t, g.hex)
		for n := range len(whole) {
			if n > 8 && n < len(whole)-4 { // the middle of a long value is like its ends
				continue
			}
			for _, lenient := range []bool{false, true} { // leniency does not make up bytes
				r := kbin.NewReader(whole[:n])
				r.Lenient = lenient
				if got := g.read(r); !isEmpty(got) {
					t.Errorf("%s, %d of %d bytes: got %v, want nothing", g.name, n, len(whole), got)
				}
				if err := r.Err(); !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("%s, %d of %d bytes: got error %v, want io.ErrUnexpectedEOF", g.name, n, len(whole), err)
				}
				if got := r.Len(); got != 0 {
					t.Errorf("%s, %d of %d bytes: Len after the error: got %d, want 0", g.name, n, len(whole), got)
				}
			}
		}
	}
}

// TestBoolOfAnyByte: whatever is not zero is true, as in Java.
func TestBoolOfAnyByte(t *testing.T) {
	for b := range 256 {
		if got, want := kbin.NewReader([]byte{byte(b)}).Bool(), b != 0; got != want {
			t.Errorf("Bool of %#02x: got %v, want %v", b, got, want)
		}
	}
	for v, want := range map[bool]byte{false: 0, true: 1} {
		if got := kbin.BoolByte(v); got != want {
			t.Errorf("BoolByte(%v): got %d, want %d", v, got, want)
		}
	}
}

// TestFloatBits: a NaN keeps its bits, so that what was read can be written back.
func TestFloatBits(t *testing.T) {
	const quiet = 0x7ff8000000abcdef
	b := kbin.AppendFloat64(nil, math.Float64frombits(quiet))
	if got := math.Float64bits(kbin.NewReader(b).Float64()); got != quiet {
		t.Errorf("bits of a NaN: got %#x, want %#x", got, uint64(quiet))
	}
}

func TestUvarintLen(t *testing.T) {
	for _, v := range []uint32{0, 1, 1<<7 - 1, 1 << 7, 1<<14 - 1, 1 << 14, 1<<21 - 1, 1 << 21, 1<<28 - 1, 1 << 28, math.MaxInt32, math.MaxUint32} {
		if got, want := kbin.UvarintLen(v), len(kbin.AppendUvarint(nil, v)); got != want {
			t.Errorf("UvarintLen(%d): got %d, want %d", v, got, want)
		}
	}
}

// TestArrayLens holds the counts of arrays against Kafka's bytes, in all their functions.
func TestArrayLens(t *testing.T) {
	flex := func(dst []byte, n int) []byte { return kbin.AppendFlexArrayLen(dst, n, true) }
	classic := func(dst []byte, n int) []byte { return kbin.AppendFlexArrayLen(dst, n, false) }
	flexNull := func(dst []byte, n int) []byte { return kbin.AppendFlexNullableArrayLen(dst, max(n, 0), n < 0, true) }
	classicNull := func(dst []byte, n int) []byte {
		return kbin.AppendFlexNullableArrayLen(dst, max(n, 0), n < 0, false)
	}
	// The count does not matter if null does.
	null := func(dst []byte, n int) []byte { return kbin.AppendNullableArrayLen(dst, 5, n < 0) }
	compactNull := func(dst []byte, n int) []byte { return kbin.AppendCompactNullableArrayLen(dst, 5, n < 0) }
	for _, row := range []struct {
		n                int
		classic, compact string
	}{
		{-1, "ffffffff", "00"}, // null
		{0, "00000000", "01"},
		{1, "00000001", "02"},
		{126, "0000007e", "7f"}, // the last count of one byte
		{127, "0000007f", "8001"},
		{16382, "00003ffe", "ff7f"},
		{16383, "00003fff", "808001"},
		{math.MaxInt32 - 1, "7ffffffe", "ffffffff07"}, // the highest that fits the compact form
	} {
		check := func(name, want string, got []byte) {
			if hex.EncodeToString(got) != want {
				t.Errorf("%s of %d: got %x, want %s", name, row.n, got, want)
			}
		}
		check("AppendArrayLen", row.classic, kbin.AppendArrayLen(nil, row.n))
		check("AppendCompactArrayLen", row.compact, kbin.AppendCompactArrayLen(nil, row.n))
		check("AppendFlexArrayLen classic", row.classic, classic(nil, row.n))
		check("AppendFlexArrayLen compact", row.compact, flex(nil, row.n))
		check("AppendFlexNullableArrayLen classic", row.classic, classicNull(nil, row.n))
		check("AppendFlexNullableArrayLen compact", row.compact, flexNull(nil, row.n))
		if row.n < 0 {
			check("AppendNullableArrayLen", row.classic, null(nil, row.n))
			check("AppendCompactNullableArrayLen", row.compact, compactNull(nil, row.n))
		} else {
			check("AppendNullableArrayLen", row.classic, kbin.AppendNullableArrayLen(nil, row.n, false))
			check("AppendCompactNullableArrayLen", row.compact, kbin.AppendCompactNullableArrayLen(nil, row.n, false))
		}
	}
}

// TestNilIsEmpty: what is not nullable has no null, so nil is written as empty.
func TestNilIsEmpty(t *testing.T) {
	for name, row := range map[string]struct {
		got  []byte
		want string
	}{
		"bytes":             {kbin.AppendBytes(nil, nil), "00000000"},
		"compact bytes":     {kbin.AppendCompactBytes(nil, nil), "01"},
		"bytes, classic":    {kbin.AppendFlexBytes(nil, nil, false), "00000000"},
		"bytes, compact":    {kbin.AppendFlexBytes(nil, nil, true), "01"},
		"int32s, classic":   {kbin.AppendFlexInt32s(nil, nil, false), "00000000"},
		"int32s, compact":   {kbin.AppendFlexInt32s(nil, nil, true), "01"},
		"nullable, classic": {kbin.AppendFlexNullableInt32s(nil, nil, false), "ffffffff"}, // to tell them apart
		"nullable, compact": {kbin.AppendFlexNullableInt32s(nil, nil, true), "00"},
	} {
		if got := hex.EncodeToString(row.got); got != row.want {
			t.Errorf("%s of nil: got %s, want %s", name, got, row.want)
		}
	}
}

// TestTooLong: appenders cannot return errors, so what no message may have panics, and says
// which check was left out.
func TestTooLong(t *testing.T) {
	long := xs(kbin.MaxString + 1)
	for name, f := range map[string]func(){
		"AppendString":                 func() { kbin.AppendString(nil, long) },
		"AppendCompactString":          func() { kbin.AppendCompactString(nil, long) },
		"AppendNullableString":         func() { kbin.AppendNullableString(nil, kbin.Str(long)) },
		"AppendCompactNullableString":  func() { kbin.AppendCompactNullableString(nil, kbin.Str(long)) },
		"AppendFlexString classic":     func() { kbin.AppendFlexString(nil, long, false) },
		"AppendFlexString compact":     func() { kbin.AppendFlexString(nil, long, true) },
		"AppendArrayLen":               func() { kbin.AppendArrayLen(nil, math.MaxInt32) },
		"AppendCompactArrayLen":        func() { kbin.AppendCompactArrayLen(nil, math.MaxInt32) },
		"AppendFlexArrayLen classic":   func() { kbin.AppendFlexArrayLen(nil, math.MaxInt32, false) },
		"AppendFlexNullableArrayLen":   func() { kbin.AppendFlexNullableArrayLen(nil, math.MaxInt32, false, true) },
		"AppendNullableArrayLen":       func() { kbin.AppendNullableArrayLen(nil, math.MaxInt32, false) },
		"AppendFlexNullableString too": func() { kbin.AppendFlexNullableString(nil, kbin.Str(long), false) },
	} {
		func() {
			defer func() {
				text := fmt.Sprint(recover())
				if !strings.HasPrefix(text, "kbin: a ") || !strings.Contains(text, "the protocol carries 32767") && !strings.Contains(text, "the protocol carries 2147483646") {
					t.Errorf("%s: got panic %q, want one that names the limit", name, text)
				}
			}()
			f()
		}()
	}
}

func TestStringsFit(t *testing.T) {
	type name string
	for _, row := range []struct {
		in   []name
		want bool
	}{
		{nil, true},
		{[]name{"", name(xs(kbin.MaxString))}, true},
		{[]name{"", name(xs(kbin.MaxString + 1))}, false},
		{[]name{name(xs(kbin.MaxString + 1)), ""}, false}, // not only the last counts
	} {
		if got := kbin.StringsFit(row.in); got != row.want {
			t.Errorf("StringsFit of %d strings: got %v, want %v", len(row.in), got, row.want)
		}
	}
}

// TestInPlace: an appender gives the same bytes whatever room its slice has, uses the room that
// is there, and leaves alone what stands before and behind.
func TestInPlace(t *testing.T) {
	ints := []int32{1, -2, math.MaxInt32}
	for n := range 40 {
		text := "Kafka's letters, each another: 0123456789"[:n]
		for _, flex := range []bool{false, true} {
			for name, f := range map[string]func([]byte) []byte{
				"string":          func(dst []byte) []byte { return kbin.AppendFlexString(dst, text, flex) },
				"nullable string": func(dst []byte) []byte { return kbin.AppendFlexNullableString(dst, kbin.Str(text), flex) },
				"bytes":           func(dst []byte) []byte { return kbin.AppendFlexBytes(dst, []byte(text), flex) },
				"int32s":          func(dst []byte) []byte { return kbin.AppendFlexInt32s(dst, ints[:n%4], flex) },
			} {
				want := "ab" + string(f(nil))
				for room := range len(want) + 8 {
					all := []byte("ab" + strings.Repeat("~", room))
					got := f(all[:2:len(all)])
					if string(got) != want {
						t.Fatalf("%s of %d, flex %v, with room for %d: got %q, want %q", name, n, flex, room, got, want)
					}
					if room < len(want)-2 {
						continue
					}
					if &got[0] != &all[0] {
						t.Fatalf("%s of %d, flex %v, with room for %d: got another slice, want the same", name, n, flex, room)
					}
					if behind := string(all[len(got):]); behind != strings.Repeat("~", len(behind)) {
						t.Fatalf("%s of %d, flex %v, with room for %d: got %q behind it, want it left alone", name, n, flex, room, behind)
					}
				}
			}
		}
	}
}

// TestInlining: generated code is written around these, and a small change to one exceeds the
// compiler's budget without anybody seeing it.
func TestInlining(t *testing.T) {
	out, err := exec.Command("go", "build", "-gcflags=-m=2", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for _, name := range []string{"(*Reader).Next", "(*Reader).HasTags", "BoolByte", "load64", "load32", "AppendTags", "Tags.Len", "Tags.Fits", "AppendFlexNullableString", "AppendFlexNullableArrayLen"} {
		if !strings.Contains(string(out), "can inline "+name+" with cost ") {
			t.Errorf("%s: got\n%s\nwant that it can be inlined", name, grep(string(out), "inline "+name))
		}
	}
	// These are called from hundreds of places, where a body would cost more than a call.
	for _, name := range []string{"(*Reader).Run", "Tags.Writer", "(*TagWriter).Finish", "TagsFit"} {
		if !strings.Contains(string(out), "cannot inline "+name+": marked go:noinline") {
			t.Errorf("%s: got\n%s\nwant that it is not inlined", name, grep(string(out), "inline "+name))
		}
	}
}

func grep(text, part string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			b.WriteString(line)
		}
	}
	return b.String()
}

func short(s string) string {
	if len(s) > 60 {
		return fmt.Sprintf("%s... (%d digits)", s[:60], len(s))
	}
	return s
}

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// isEmpty reports whether a read brought nothing: zero, no bytes, no elements, null.
func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case kbin.NullString: // empty or null
		return v.S == ""
	case []byte:
		return len(v) == 0
	case []int32:
		return len(v) == 0
	case kbin.Tags:
		return v.Len() == 0
	case count:
		return v <= 0
	case bool:
		return !v
	case int8:
		return v == 0
	case int16:
		return v == 0
	case uint16:
		return v == 0
	case int32:
		return v == 0
	case uint32:
		return v == 0
	case int64:
		return v == 0
	case uint64:
		return v == 0
	case float64:
		return math.Float64bits(v) == 0
	case kbin.UUID:
		return v.IsZero()
	}
	panic(fmt.Sprintf("isEmpty knows no %T", v))
}

// A count is a number of elements: none is 0 or, for null, -1.
type count int

func BenchmarkAppendFlexString(b *testing.B) {
	for _, flex := range []bool{false, true} {
		for _, n := range []int{0, 3, 7, 15, 40} {
			b.Run(fmt.Sprintf("flex=%v/n=%d", flex, n), func(b *testing.B) {
				s := xs(n)
				dst := make([]byte, 0, n+2)
				b.ReportAllocs()
				for b.Loop() {
					dst = kbin.AppendFlexString(dst[:0], s, flex)
				}
			})
		}
	}
}

func BenchmarkAppendFlexInt32s(b *testing.B) {
	for _, flex := range []bool{false, true} {
		for _, n := range []int{3, 300} {
			b.Run(fmt.Sprintf("flex=%v/n=%d", flex, n), func(b *testing.B) {
				values := make([]int32, n)
				dst := make([]byte, 0, 4*n+5)
				b.SetBytes(int64(4 * n))
				b.ReportAllocs()
				for b.Loop() {
					dst = kbin.AppendFlexInt32s(dst[:0], values, flex)
				}
			})
		}
	}
}
