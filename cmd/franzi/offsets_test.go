package main

import (
	"testing"
	"time"
)

func TestSpots(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	const hour = 3_600_000
	for text, want := range map[string]spot{
		"12": {spotOffset, 12}, "0": {spotOffset, 0},
		"start": {spotFromStart, 0}, "+5": {spotFromStart, 5},
		"end": {spotFromEnd, 0}, "-5": {spotFromEnd, 5},
		"@now": {spotTime, now.UnixMilli()}, "-1h": {spotTime, now.UnixMilli() - hour}, "@-1h": {spotTime, now.UnixMilli() - hour},
		"@2026-01-31T12:00:00Z": {spotTime, 1769860800000}, "-1000000h": {spotTime, 0},
	} {
		if got, err := parseSpot(text, now); err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "soon", "1h", "@", "@soon", "@1900-01-01T00:00:00Z", "-9223372036854775808", "99999999999999999999", "--5"} {
		if got, err := parseSpot(text, now); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}

func TestRanges(t *testing.T) {
	for text, want := range map[string]rangeFlag{
		"12":      {from: spot{spotOffset, 12}},
		"12..":    {from: spot{spotOffset, 12}},
		"12..40":  {from: spot{spotOffset, 12}, to: spot{spotOffset, 40}, bounded: true},
		"..end":   {from: spot{spotFromStart, 0}, to: spot{spotFromEnd, 0}, bounded: true},
		"-10..-5": {from: spot{spotFromEnd, 10}, to: spot{spotFromEnd, 5}, bounded: true},
	} {
		var got rangeFlag
		want.text = text
		if err := got.Set(text); err != nil || got != want {
			t.Errorf("%s: got %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x..", "1..x"} {
		if err := new(rangeFlag).Set(text); err == nil {
			t.Errorf("%q: got no error", text)
		}
	}
}
