package importer_test

import (
	"context"
	"log"
	"os"

	"github.com/franzi-kafka/franzi/gen/importer"
)

// Bringing a release into the folder spec and telling what it changed. It needs Maven and
// Java, so that this example is not run.
func ExampleImport() {
	report, err := importer.Import(context.Background(), "spec", "4.4.0")
	if err != nil {
		log.Fatal(err)
	}
	if report.Changed {
		_, err = report.WriteTo(os.Stdout)
	}
	if err != nil {
		log.Fatal(err)
	}
}
