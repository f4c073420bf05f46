// Command franzi writes and reads records, asks Kafka brokers, and shows what goes over the wire: the
// command line of the library, which stands on its public packages only.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process as it stands
	a := newApp(os.Stdin, os.Stdout, os.Stderr, nil)
	a.terminal = isTerminal(os.Stdin) && isTerminal(os.Stderr)
	a.watched, a.screen = isTerminal(os.Stderr), isTerminal(os.Stdout)
	os.Exit(a.run(ctx, os.Args[1:]))
}
