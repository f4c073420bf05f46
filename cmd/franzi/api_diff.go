package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/wire"
	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/gen/model"
)

const apiDiffHelp = `api diff shows what changed between two versions of an API or message, field by field, or
with --releases which APIs and versions came and went between two releases.`

func (a *app) apiDiffCommand() *cobra.Command {
	var releases bool
	cmd := &cobra.Command{
		Use:     "diff NAME FROM TO | diff --releases FROM TO",
		Short:   "Show what changed between two versions or releases",
		Long:    apiDiffHelp,
		Example: "  franzi api diff Fetch 12 17\n  franzi api diff --releases 2.8 3.9",
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case releases && len(args) != 2:
				return misused(cmd, "franzi api diff --releases takes two releases: FROM TO")
			case !releases && len(args) != 3:
				return misused(cmd, "franzi api diff takes a name and two versions: NAME FROM TO")
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			switch {
			case releases && len(args) < 2:
				return completeReleases(nil, nil, "")
			case !releases && len(args) == 0:
				return startingWith(everyName(), typed), cobra.ShellCompDirectiveNoFileComp
			case !releases && len(args) < 3:
				return versionTexts(args[0]), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
			}
			return completeNothing(nil, nil, "")
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if releases {
				return a.diffReleases(args[0], args[1])
			}
			return a.diffVersions(args[0], args[1], args[2])
		},
	}
	cmd.Flags().BoolVar(&releases, "releases", false, "compare two releases of Kafka")
	return cmd
}

// A fieldChange is something that is not the same in two versions of a message.
type fieldChange struct {
	Message string `json:"message"`
	Field   string `json:"field"` // "" for the message itself
	Change  string `json:"change"`
	Detail  string `json:"detail"`
}

func (a *app) diffVersions(name, fromText, toText string) error {
	m, err := a.model()
	if err != nil {
		return err
	}
	messages, err := modelOf(m, name)
	if err != nil {
		return err
	}
	var from, to versionFlag
	for _, v := range []struct {
		text string
		flag *versionFlag
	}{{fromText, &from}, {toText, &to}} {
		if err := v.flag.Set(v.text); err != nil {
			return mistaken("%v of %s", err, name)
		}
		if valid := messages[0].Def.Valid; !valid.Has(v.flag.n) {
			return noVersion(messages[0].Def.Name, v.flag.n, valid.Min, valid.Max)
		}
	}
	changes := []fieldChange{}
	for _, msg := range messages {
		changes = append(changes, changesOf(msg, from.n, to.n)...)
	}
	return a.write(output.TableFormat, output.Result{Value: changes, Table: func(t *output.Table) {
		if len(changes) == 0 {
			t.Line("%s: the same fields in versions %d and %d", messages[0].Def.API(), from.n, to.n)
			return
		}
		t.Heading("MESSAGE", "FIELD", "CHANGE", "DETAIL")
		for _, c := range changes {
			t.Row(c.Message, dash(c.Field), c.Change, c.Detail)
		}
	}})
}

// changesOf compares two versions of a message.
func changesOf(m *model.Message, from, to int16) []fieldChange {
	d := &differ{m: m, from: from, to: to}
	if was, is := m.Def.Flexible.Has(from), m.Def.Flexible.Has(to); was != is {
		d.add("", "flexible", fmt.Sprintf("%s, now %s", layout(was), layout(is)))
	}
	d.fields("", m.Root)
	return d.changes
}

func layout(flexible bool) string {
	if flexible {
		return "compact lengths and tagged fields"
	}
	return "classic lengths and no tagged fields"
}

type differ struct {
	m        *model.Message
	from, to int16
	changes  []fieldChange
}

func (d *differ) add(field, change, detail string) {
	d.changes = append(d.changes, fieldChange{d.m.Def.Name, field, change, detail})
}

func (d *differ) fields(path string, s *model.Struct) {
	for _, f := range s.Fields {
		d.field(strings.TrimPrefix(path+"."+f.JSONName(), "."), f)
	}
}

func (d *differ) field(path string, f *model.Field) {
	was, is := f.Def.Versions.Has(d.from), f.Def.Versions.Has(d.to)
	switch {
	case !was && !is:
		return
	case !was:
		d.add(path, "added", d.describe(f, d.to))
		return // what is inside is new as well
	case !is:
		d.add(path, "removed", d.describe(f, d.from))
		return
	}
	d.flag(path, f.Def.Tagged, "tagged", fmt.Sprintf("in the tag section as %d", f.Def.Tag), "in the body")
	d.flag(path, f.Def.Nullable, "nullable", "may be null", "may not be null")
	if f.Struct != nil {
		d.fields(path, f.Struct)
	}
}

// flag adds a change if only one of the versions is in a range.
func (d *differ) flag(path string, r def.Versions, name, with, without string) {
	switch was, is := r.Has(d.from), r.Has(d.to); {
	case is && !was:
		d.add(path, "now "+name, with)
	case was && !is:
		d.add(path, "no longer "+name, without)
	}
}

func (d *differ) describe(f *model.Field, v int16) string {
	detail := wire.Encoding(d.m.Def, f.Def, v)
	if f.Def.Default != "" {
		detail += ", default " + f.Def.Default
	}
	if f.Def.Ignorable {
		detail += ", ignorable"
	}
	return detail
}
