package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
)

// batchesTable shows batches to people, each with its records.
func batchesTable(t *output.Table, batches []output.Value) {
	for _, b := range batches {
		t.Line("%s", batchLine(b))
		if why, ok := b.Get("error"); ok {
			t.Line("%s", why.Text)
		}
		records, _ := b.Get("records")
		if len(records.Elements) == 0 {
			continue
		}
		t.Heading("OFFSET", "TIMESTAMP", "KEY", "VALUE", "HEADERS")
		for _, r := range records.Elements {
			t.Row(recordCells(r)...)
		}
	}
}

// batchLine is a batch on one line, without its records, and without what is as in most.
func batchLine(b output.Value) string {
	var parts []string
	for _, m := range b.Members {
		text := m.Value.Text
		switch {
		case m.Key == "records" || m.Key == "base64" || m.Key == "error":
		case m.Key == "isValid" && text == "false": // after the crc
			parts[len(parts)-1] += " wrong"
		case m.Key == "isValid":
			parts[len(parts)-1] += " right"
		case text == "false" || text == "-1":
		case text == "true":
			parts = append(parts, m.Key)
		case m.Key == "baseTimestamp" || m.Key == "maxTimestamp":
			parts = append(parts, m.Key+" "+timeText(m.Value))
		default:
			parts = append(parts, m.Key+" "+text)
		}
	}
	return strings.Join(parts, ", ")
}

func recordCells(r output.Value) []string {
	cell := func(key string) string {
		v, ok := r.Get(key)
		if !ok {
			return ""
		}
		return cellText(v)
	}
	timestamp, _ := r.Get("timestamp")
	key, value := cell("key"), cell("value")
	if control, ok := r.Get("control"); ok && key+value == "" {
		kind, _ := control.Get("type")
		message, _ := control.Get("message")
		key, value = kind.Text, cellText(message)
	}
	headers, _ := r.Get("headers")
	var pairs []string
	for _, h := range headers.Elements {
		k, _ := h.Get("key")
		v, _ := h.Get("value")
		pairs = append(pairs, cellText(k)+"="+cellText(v))
	}
	return []string{cell("offset"), timeText(timestamp), key, value, strings.Join(pairs, " ")}
}

func cellText(v output.Value) string {
	if v.Kind == output.Object || v.Kind == output.Array {
		return string(v.AppendJSON(nil))
	}
	return v.Text
}

// timeText is a timestamp for people.
func timeText(ms output.Value) string {
	n, err := strconv.ParseInt(ms.Text, 10, 64)
	if err != nil || n < 0 || n >= 253402300800000 { // the year 10000
		return ms.Text
	}
	return time.UnixMilli(n).UTC().Format("2006-01-02T15:04:05.000Z")
}
