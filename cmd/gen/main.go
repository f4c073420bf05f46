// Command gen keeps Franzi's protocol in step with Kafka's releases.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"

	"github.com/franzi-kafka/franzi/gen/importer"
)

const usage = `gen keeps Franzi's protocol in step with Kafka's releases.

  gen import RELEASE [-spec DIR]   merge a release's definitions into spec/, print what changed
  gen check [-spec DIR]            hold spec/ against the definitions of all releases it knows,
                                   and against a new import of those it is made of
  gen probe RELEASE [-spec DIR]    ask a broker of a release without definitions, 0.10 to 2.1,
                                   what it speaks, and note it in spec/releases.json
  gen vectors                      make testdata/vectors with Kafka's own classes
  gen code                         write this repository's packages from spec/
  gen code -package NAME -out DIR [-only API,API] [-definitions DIR]
                                   write a package of your own: of the APIs and messages that
                                   you name, from the spec/ that is built in or a folder of
                                   definitions in Kafka's language
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := status(run(ctx, os.Args[1:], os.Stdout), os.Stderr)
	stop()
	os.Exit(code)
}

var errUsage = errors.New("see gen help")

// status reports an error and returns the status of the process: 0 for success, 1 for an
// error, 2 for a command that makes no sense.
func status(err error, stderr io.Writer) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "gen: interrupted")
		return 1
	}
	fmt.Fprintln(stderr, "gen:", err)
	if errors.Is(err, errUsage) {
		return 2
	}
	return 1
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) == 0 {
		args = []string{"help"}
	}
	if slices.Contains(args[1:], "-h") || slices.Contains(args[1:], "--help") {
		args = []string{"help"}
	}
	switch name, args := args[0], args[1:]; name {
	case "help", "-h", "--help":
		_, err := io.WriteString(stdout, usage)
		return err
	case "import":
		return runImport(ctx, args, stdout)
	case "check":
		return runCheck(ctx, args, stdout)
	case "probe":
		return runProbe(ctx, args)
	case "vectors":
		if len(args) != 0 {
			return fmt.Errorf("vectors takes no arguments; %w", errUsage)
		}
		return importer.Vectors(ctx, "spec", filepath.Join("testdata", "java"), filepath.Join("testdata", "vectors"))
	case "code":
		return runCode(args)
	default:
		return fmt.Errorf("there is no command %q; %w", name, errUsage)
	}
}

// parse reads flags that may stand before, between and after the other arguments.
func parse(flags *flag.FlagSet, args []string) ([]string, error) {
	flags.SetOutput(io.Discard)
	var rest []string
	for len(args) > 0 {
		if err := flags.Parse(args); err != nil {
			return nil, fmt.Errorf("%s: %w; %w", flags.Name(), err, errUsage)
		}
		if args = flags.Args(); len(args) > 0 {
			rest, args = append(rest, args[0]), args[1:]
		}
	}
	return rest, nil
}

func runImport(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("import", flag.ContinueOnError)
	dir := flags.String("spec", "spec", "")
	rest, err := parse(flags, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return fmt.Errorf("import takes one release, like 4.4.0; %w", errUsage)
	}
	report, err := importer.Import(ctx, *dir, rest[0])
	if err != nil {
		return err
	}
	_, err = report.WriteTo(stdout)
	return err
}

func runCheck(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	dir := flags.String("spec", "spec", "")
	rest, err := parse(flags, args)
	if err != nil {
		return err
	}
	if len(rest) != 0 {
		return fmt.Errorf("check takes no arguments; %w", errUsage)
	}
	report, err := importer.Check(ctx, *dir)
	if report != nil {
		if _, err := report.WriteTo(stdout); err != nil {
			return err
		}
	}
	return err
}

func runProbe(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("probe", flag.ContinueOnError)
	dir := flags.String("spec", "spec", "")
	rest, err := parse(flags, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return fmt.Errorf("probe takes one release, like 2.1.1; %w", errUsage)
	}
	return importer.Probe(ctx, *dir, rest[0])
}
