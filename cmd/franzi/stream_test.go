package main

import (
	"bufio"
	"io"
	"strings"
	"testing"
)

// A line that is written to encode or decode is answered before the next one is.
func TestLineByLine(t *testing.T) {
	for _, tt := range []struct {
		args            string
		lines, answers  []string
		wrong, complain string
	}{
		{
			"encode Heartbeat -v 0",
			[]string{`{"groupId":"a"}`, `{"groupId":"b"}`}, []string{"000161000000000000", "000162000000000000"},
			"{", "franzi: line 3, column 2: the JSON ends too early",
		},
		{
			"decode Heartbeat -v 0",
			[]string{"000161000000000000", "0x00 01 62 000000000000"}, []string{`{"groupId":"a","generationId":0,"memberId":""}`, `{"groupId":"b","generationId":0,"memberId":""}`},
			"00", "franzi: line 3: HeartbeatRequest version 0: at byte 0 of 1, in groupId: 1 bytes remain, more are needed",
		},
	} {
		t.Run(tt.args, func(t *testing.T) {
			stdin, write := io.Pipe()
			read, stdout := io.Pipe()
			complaints, stderr := io.Pipe()
			code := make(chan int)
			go func() {
				c := testApp(stdin, stdout, stderr, noNetwork).run(t.Context(), strings.Fields(tt.args))
				stdout.Close()
				stderr.Close()
				code <- c
			}()
			answers, said := bufio.NewScanner(read), bufio.NewScanner(complaints)
			for i, line := range tt.lines {
				io.WriteString(write, line+"\n")
				if !answers.Scan() || answers.Text() != tt.answers[i] {
					t.Fatalf("%s: got %q, want %q", line, answers.Text(), tt.answers[i])
				}
			}
			io.WriteString(write, tt.wrong+"\n")
			if !said.Scan() || said.Text() != tt.complain {
				t.Errorf("%s: got %q, want %q", tt.wrong, said.Text(), tt.complain)
			}
			io.WriteString(write, tt.lines[0]) // without an end of line
			write.Close()
			if !answers.Scan() || answers.Text() != tt.answers[0] || answers.Scan() {
				t.Errorf("the last line: got %q", answers.Text())
			}
			if got := <-code; got != exitFailed {
				t.Errorf("got exit %d, want %d", got, exitFailed)
			}
		})
	}
}

// Raw frames go through a pipe as they are, many at once.
func TestRawFrames(t *testing.T) {
	frames := run(t, "{\"groupId\":\"a\"}\n{\"groupId\":\"b\"}\n", "encode", "Heartbeat", "-v", "4", "--frame", "--format", "raw")
	got := run(t, frames.out, "decode", "--format", "raw", "-o", "template={{.header.correlationId}} {{.request.groupId}}")
	if got.out != "1 a\n2 b\n" || got.code != exitOK {
		t.Errorf("got exit %d %q %s", got.code, got.out, got.err)
	}
	one := run(t, frames.out[4:len(frames.out)/2], "decode", "--format", "raw", "-o", "template={{.request.groupId}}")
	if one.out != "a\n" {
		t.Errorf("without a size: got exit %d %q %s", one.code, one.out, one.err)
	}
	cut := run(t, frames.out[:len(frames.out)-1], "decode", "--format", "raw")
	if cut.code != exitFailed || cut.out != "" {
		t.Errorf("cut off: got exit %d %q %s", cut.code, cut.out, cut.err)
	}
	message := run(t, "\x00\x01a\x00\x00\x00\x00\x00\x00", "decode", "Heartbeat", "-v", "0", "--format", "raw", "-o", "template={{.groupId}}")
	if message.out != "a\n" {
		t.Errorf("a message: got exit %d %q %s", message.code, message.out, message.err)
	}
}

// Several results in YAML are documents of their own.
func TestYAMLDocuments(t *testing.T) {
	got := run(t, "0000\n0000\n", "decode", "RequestHeader", "-v", "0", "-o", "yaml")
	if got.code != exitFailed {
		t.Errorf("got exit %d", got.code)
	}
	got = run(t, "00\n00\n", "decode", "AbortTransactionRecord", "-v", "0", "-o", "yaml")
	if got.out != "{}\n---\n{}\n" {
		t.Errorf("got %q %q", got.out, got.err)
	}
}
