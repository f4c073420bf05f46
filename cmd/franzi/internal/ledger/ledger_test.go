package ledger

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What a balance says of what happened to five records of one series.
func TestBalance(t *testing.T) {
	bad := errors.New("bad")
	for name, tt := range map[string]struct {
		silent bool     // nobody acknowledges
		fail   []uint64 // records that fail
		acks   []uint64 // the outcomes, 0 to 4 if it is nil
		read   []int
		want   Balance
	}{
		"right":                 {read: []int{0, 1, 2, 3, 4}, want: Balance{Acked: 5, Read: 5}},
		"lost in the middle":    {read: []int{0, 1, 3, 4}, want: Balance{Acked: 5, Read: 4, Lost: 1}},
		"lost at the end":       {read: []int{0, 1, 2}, want: Balance{Acked: 5, Read: 3, Lost: 2}},
		"lost all":              {want: Balance{Acked: 5, Lost: 5}},
		"doubled":               {read: []int{0, 1, 1, 2, 3, 4, 0}, want: Balance{Acked: 5, Read: 7, Doubled: 2}},
		"swapped":               {read: []int{0, 2, 1, 3, 4}, want: Balance{Acked: 5, Read: 5, OutOfOrder: 1}},
		"swapped and doubled":   {read: []int{0, 2, 1, 1, 3, 4}, want: Balance{Acked: 5, Read: 6, OutOfOrder: 1, Doubled: 1}},
		"failed and gone":       {fail: []uint64{2, 4}, read: []int{0, 1, 3}, want: Balance{Acked: 3, Failed: 2, Read: 3}},
		"failed and there":      {fail: []uint64{2}, read: []int{0, 1, 2, 3, 4}, want: Balance{Acked: 4, Failed: 1, Read: 5}},
		"failed and others too": {fail: []uint64{2}, read: []int{0, 4}, want: Balance{Acked: 4, Failed: 1, Read: 2, Lost: 2}},
		"told out of order":     {acks: []uint64{1, 0, 2, 3, 4}, read: []int{0, 1, 2, 3, 4}, want: Balance{Acked: 5, Read: 5, Unordered: 2}},
		"told twice":            {acks: []uint64{0, 1, 1, 2, 3, 4}, read: []int{0, 1, 2, 3, 4}, want: Balance{Acked: 6, Read: 5, Pending: -1, Unordered: 1}},
		"not told":              {acks: []uint64{0, 1, 2, 3}, read: []int{0, 1, 2, 3, 4}, want: Balance{Acked: 4, Read: 5, Pending: 1}},
		"sent":                  {silent: true, read: []int{0, 1, 2, 3, 4}, want: Balance{Sent: 5, Read: 5}},
		"sent and not there":    {silent: true, read: []int{0, 3}, want: Balance{Sent: 5, Read: 2, Missing: 3}},
		"sent and doubled":      {silent: true, read: []int{0, 2, 1, 1, 3, 4}, want: Balance{Sent: 5, Read: 6, OutOfOrder: 1, Doubled: 1}},
		"not sent":              {silent: true, fail: []uint64{2}, read: []int{0, 1, 3}, want: Balance{Sent: 4, Failed: 1, Read: 3, Missing: 1}},
		"sent and not told":     {silent: true, acks: []uint64{0, 1, 2, 3}, read: []int{0, 1, 2, 3, 4}, want: Balance{Sent: 4, Read: 5, Pending: 1}},
	} {
		l := New(2, !tt.silent)
		var values [][]byte
		for i := range 5 {
			v := make([]byte, 30)
			if number := l.Write(1, v); number != uint64(i) {
				t.Fatalf("got number %d, want %d", number, i)
			}
			values = append(values, v)
		}
		acks := tt.acks
		if acks == nil {
			acks = []uint64{0, 1, 2, 3, 4}
		}
		for _, n := range acks {
			var err error
			if slices.Contains(tt.fail, n) {
				err = bad
			}
			l.Outcome(1, n, err)
		}
		for _, n := range tt.read {
			if _, err := l.Read(values[n]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		tt.want.Written = 5
		got := l.End()
		if d := cmp.Diff(got, tt.want); d != "" {
			t.Errorf("%s (-got +want):\n%s", name, d)
		}
		w := tt.want
		broken := w.Lost + w.Doubled + w.OutOfOrder
		if tt.silent {
			broken = 0 // that was not promised
		}
		if want := broken+w.Unordered == 0 && w.Pending == 0; got.Right() != want {
			t.Errorf("%s: Right is %v", name, got.Right())
		}
	}
}

// Any changed byte is noticed, and a series that does not exist.
func TestCorrupt(t *testing.T) {
	l := New(1, true)
	v := make([]byte, MinSize+3)
	l.Write(0, v)
	for i := range v {
		v[i]++
		if _, err := l.Read(v); err != ErrCorrupt {
			t.Errorf("byte %d changed: got %v", i, err)
		}
		v[i]--
	}
	if _, err := l.Read(v[:MinSize-1]); err != ErrCorrupt {
		t.Errorf("too short: got %v", err)
	}
	other := New(8, true)
	other.Write(7, v)
	if _, err := l.Read(v); err != ErrCorrupt {
		t.Errorf("of another ledger: got %v", err)
	}
	if b := l.End(); b.Corrupt != int64(len(v)+2) || b.Read != 0 || b.Right() {
		t.Errorf("got %+v", b)
	}
}

func TestAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(1, true)
		time.Sleep(time.Second)
		v := make([]byte, MinSize)
		l.Write(0, v)
		time.Sleep(3 * time.Millisecond)
		if age, err := l.Read(v); age != 3*time.Millisecond || err != nil {
			t.Errorf("got %v, %v", age, err)
		}
	})
}

func BenchmarkLedger(b *testing.B) {
	b.ReportAllocs()
	l := New(1000, true)
	v := make([]byte, 100)
	for i := 0; b.Loop(); i = (i + 1) % 1000 {
		l.Outcome(i, l.Write(i, v), nil)
		l.Read(v)
	}
}
