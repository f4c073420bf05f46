package main

import (
	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/kmsg"
)

func (a *app) apiCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:     "api",
		Short:   "Look up Kafka's APIs, their versions and fields",
		Example: "  franzi api show Metadata -v 12",
	}, a.apiListCommand(), a.apiShowCommand(), a.apiDiffCommand(), a.apiVersionsCommand())
}

// A span is a range of versions as JSON shows it.
type span struct {
	Min int16 `json:"min"`
	Max int16 `json:"max"`
}

func spanOf(r kmsg.VersionRange) *span { return &span{r.Min, r.Max} }

// String writes a range as definitions do, "" for none.
func (s *span) String() string {
	if s == nil {
		return ""
	}
	return def.Versions{Min: s.Min, Max: s.Max}.String()
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func yesNoOrDash(b *bool) string {
	if b == nil {
		return "-"
	}
	return yesNo(*b)
}
