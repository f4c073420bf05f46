package main

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/gen/model"
	"github.com/franzi-kafka/franzi/kmsg"
)

func (a *app) errorCommand() *cobra.Command {
	var minusOne bool // cobra takes -1, the only negative code, for a flag
	cmd := &cobra.Command{
		Use:     "error CODE|NAME",
		Short:   "Explain an error code of Kafka",
		Long:    "error tells what an error code means, what usually causes it, and what to do. NAME is\nKafka's name or that of the Java exception.",
		Example: "  franzi error 74\n  franzi error FENCED_LEADER_EPOCH",
		Args: func(cmd *cobra.Command, args []string) error {
			if minusOne {
				return takes(0, 0)(cmd, args)
			}
			return takes(1, 1)(cmd, args)
		},
		ValidArgsFunction: completeNames(errorNames),
		RunE: func(_ *cobra.Command, args []string) error {
			if minusOne {
				args = []string{"-1"}
			}
			return a.explainError(args[0])
		},
	}
	cmd.Flags().BoolVarP(&minusOne, "minus-one", "1", false, "")
	if err := cmd.Flags().MarkHidden("minus-one"); err != nil {
		panic(err) // no such flag
	}
	cmd.AddCommand(&cobra.Command{
		Use:               "list",
		Short:             "List all error codes",
		Example:           "  franzi error list -o 'template={{.code}} {{.name}}'",
		Args:              takes(0, 0),
		ValidArgsFunction: completeNothing,
		RunE:              func(*cobra.Command, []string) error { return a.listErrors() },
	})
	return cmd
}

func errorNames() []string {
	var names []string
	for _, c := range kmsg.ErrorCodes() {
		names = append(names, c.Name())
	}
	return names
}

// A shownError is an error code with all that is known of it.
type shownError struct {
	Code       int16    `json:"code"`
	Name       string   `json:"name"`
	Retriable  bool     `json:"retriable"`
	Meaning    string   `json:"meaning"`
	Cause      string   `json:"cause"`
	Remedy     string   `json:"remedy"`
	Exceptions []string `json:"exceptions"` // Java's class and those that it extends
}

func newShownError(e *model.ErrorCode) shownError {
	s := shownError{e.Code, e.Name, e.Retriable, e.Meaning, e.Cause, e.Remedy, e.Exception}
	if s.Exceptions == nil {
		s.Exceptions = []string{}
	}
	return s
}

// row is the error in a list.
func (s shownError) row() []string {
	return []string{strconv.Itoa(int(s.Code)), s.Name, yesNo(s.Retriable), s.Meaning}
}

func bare(cells []string) []byte { return []byte(strings.Join(cells, "\t") + "\n") }

func (a *app) explainError(text string) error {
	m, err := a.model()
	if err != nil {
		return err
	}
	e, err := findError(m, text)
	if err != nil {
		return err
	}
	s := newShownError(e)
	return a.write(output.TableFormat, output.Result{Value: s, Raw: bare(s.row()), Table: func(t *output.Table) {
		t.Line("%s (%d)", s.Name, s.Code)
		t.Row("retriable", yesNo(s.Retriable))
		t.Row("meaning", s.Meaning)
		t.Row("cause", s.Cause)
		t.Row("remedy", s.Remedy)
		t.Row("Java", dash(strings.Join(s.Exceptions, " extends ")))
	}})
}

// findError finds an error by its code, its name, or its exception in Java.
func findError(m *model.Model, text string) (*model.ErrorCode, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		for _, e := range m.Errors {
			if int64(e.Code) == n {
				return e, nil
			}
		}
		return nil, mistaken("the error code %d is unknown: Kafka has -1 to %d as far as this release knows; see franzi error list", n, m.Errors[len(m.Errors)-1].Code)
	}
	names := errorNames()
	for _, e := range m.Errors {
		if strings.EqualFold(e.Name, text) || strings.EqualFold(e.GoName, text) {
			return e, nil
		}
		if len(e.Exception) > 0 {
			if strings.EqualFold(e.Exception[0], text) {
				return e, nil
			}
			names = append(names, e.Exception[0])
		}
	}
	return nil, unknown("error", text, names, "franzi error list")
}

func (a *app) listErrors() error {
	m, err := a.model()
	if err != nil {
		return err
	}
	var all []shownError
	for _, e := range m.Errors {
		all = append(all, newShownError(e))
	}
	return a.write(output.TableFormat, output.Result{Value: all, Table: func(t *output.Table) {
		t.Heading("CODE", "NAME", "RETRIABLE", "MEANING")
		for _, e := range all {
			t.Row(e.row()...)
		}
	}})
}
