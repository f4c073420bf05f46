package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/gen/model"
	"github.com/franzi-kafka/franzi/kmsg/compress"
	"github.com/franzi-kafka/franzi/spec"
)

// An app is one run of the command line, with all that it touches of the world. Data goes to
// out, all else to err.
type app struct {
	in       io.Reader
	out, err io.Writer
	dial     dialer   // nil for the client's own
	environ  []string // the environment
	terminal bool     // somebody sits there and can answer
	watched  bool     // stderr is a terminal, on which progress may be shown
	screen   bool     // stdout is a terminal

	explains *session // whose requests are to be explained, nil for none
	saying   sync.Mutex
	progress *progress // on the line of stderr where the next thing is said; guarded by saying
	format   output.Format
	helpJSON bool
	model    func() (*model.Model, error) // read when first needed, which takes 50 ms
	codecs   compress.Codecs
}

func newApp(in io.Reader, out, err io.Writer, dial dialer) *app {
	return &app{in: in, out: out, err: err, dial: dial, environ: os.Environ(),
		model: sync.OnceValues(func() (*model.Model, error) { return model.Load(spec.FS) })}
}

// run runs a command and returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.rootCommand()
	if args == nil {
		args = []string{} // to cobra nil is os.Args
	}
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if a.explains != nil {
		err = a.explains.explain(err)
	}
	code, text := verdict(ctx, err)
	if text != "" {
		a.say("%s", text)
	}
	return code
}

// say tells the user something on stderr, on one line.
func (a *app) say(format string, args ...any) {
	if a.explains != nil && a.explains.explained() {
		return // it is about a request that did not leave
	}
	text := strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " ")
	a.saying.Lock()
	defer a.saying.Unlock()
	if a.progress != nil {
		a.progress.clear()
	}
	fmt.Fprintln(a.err, "franzi: "+output.Printable(text))
}

// write writes the only result of a command, in the user's format or else the given one.
func (a *app) write(otherwise string, r output.Result) error {
	if a.explains != nil {
		return nil
	}
	return output.NewWriter(a.out, a.format, otherwise).Write(r)
}

// software is how franzi introduces itself to brokers, who refuse other characters.
func software() (name, version string) {
	plain := strings.Map(func(c rune) rune {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' {
			return c
		}
		return '-'
	}, moduleVersion())
	return "franzi", strings.Trim(plain, "-.")
}

// moduleVersion is the version of this module as it was built, "devel" in a checkout.
func moduleVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || strings.HasPrefix(info.Main.Version, "(") {
		return "devel"
	}
	return strings.TrimPrefix(info.Main.Version, "v")
}
