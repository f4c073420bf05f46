package main

import (
	"runtime"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kmsg"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "version",
		Short:             "Show the version of franzi, and what it knows of Kafka",
		Example:           "  franzi version -o json",
		Args:              takes(0, 0),
		ValidArgsFunction: completeNothing,
		RunE: func(*cobra.Command, []string) error {
			releases := kmsg.Releases()
			v := struct {
				Version string `json:"version"`
				Kafka   string `json:"kafka"` // newest release known
				APIs    int    `json:"apis"`
				Go      string `json:"go"`
				OS      string `json:"os"`
				Arch    string `json:"arch"`
			}{moduleVersion(), releases[len(releases)-1], len(kmsg.APIs()), runtime.Version(), runtime.GOOS, runtime.GOARCH}
			return a.write(output.TableFormat, output.Result{
				Value: v,
				Raw:   []byte(v.Version + "\n"),
				Table: func(t *output.Table) {
					t.Line("franzi %s: Kafka up to %s, %d APIs; %s, %s/%s", v.Version, v.Kafka, v.APIs, v.Go, v.OS, v.Arch)
				},
			})
		},
	}
}
