package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
)

// argument returns what an argument stands for: itself, or with @ the content of a file, and
// what to call it.
func argument(arg string) (data []byte, name string, err error) {
	if len(arg) < 2 || arg[0] != '@' {
		return []byte(arg), "", nil
	}
	data, err = os.ReadFile(arg[1:])
	if err != nil {
		return nil, "", mistaken("%v", err)
	}
	return data, arg[1:], nil
}

// fileName is what to call a file that open has opened.
func fileName(name string) string {
	if name == "-" {
		return "stdin"
	}
	return name
}

// open opens a file, or stdin if its name is "-", to be read as it comes. Reading ends early if
// the context does.
func (a *app) open(ctx context.Context, name string) (io.ReadCloser, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, mistaken("%v", err)
		}
		return f, nil
	}
	out, in := io.Pipe()
	go func() {
		_, err := io.Copy(in, a.in)
		in.CloseWithError(err)
	}()
	context.AfterFunc(ctx, func() { out.CloseWithError(ctx.Err()) })
	return out, nil
}

// readAll reads all of stdin. It returns early if the context ends.
func (a *app) readAll(ctx context.Context) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		data, err := io.ReadAll(a.in)
		done <- result{data, err}
	}()
	select {
	case r := <-done:
		return r.data, r.err
	case <-ctx.Done():
		return nil, ctx.Err() // the goroutine ends with the process: reads of stdin cannot be cut off
	}
}

// A line is a line of stdin, without its end.
type line struct {
	n    int // from 1
	text []byte
}

// eachLine calls do with each line of stdin as it comes, until one makes it return an error,
// stdin ends, or the context does.
func (a *app) eachLine(ctx context.Context, do func(line) error) error {
	lines := make(chan line)
	var failed error // to be read once lines is closed
	go func() {
		defer close(lines)
		in := bufio.NewReader(a.in)
		for n := 1; ; n++ {
			text, err := in.ReadBytes('\n')
			if len(text) > 0 {
				select {
				case lines <- line{n, bytes.TrimRight(text, "\r\n")}:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				if err != io.EOF {
					failed = err
				}
				return
			}
		}
	}()
	for {
		select {
		case l, more := <-lines:
			if !more {
				return failed
			}
			if err := do(l); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
