package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/wire"
	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/gen/model"
	"github.com/franzi-kafka/franzi/kmsg"
)

const apiShowHelp = `api show tells what an API or message is for, its versions and the releases that brought
them, and its fields. With -v it shows what that version has, in the order of the wire, with
the encoding of each field. NAME is an API, which shows request and response, or a message:
MetadataResponse, RequestHeader, OffsetCommitValue.`

func (a *app) apiShowCommand() *cobra.Command {
	var version versionFlag
	cmd := &cobra.Command{
		Use:               "show NAME",
		Short:             "Show the fields of an API or message",
		Long:              apiShowHelp,
		Example:           "  franzi api show Fetch -v 12\n  franzi api show OffsetCommitValue",
		Args:              takes(1, 1),
		ValidArgsFunction: completeNames(everyName),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := a.model()
			if err != nil {
				return err
			}
			shown, err := newShown(m, args[0], version)
			if err != nil {
				return err
			}
			return a.write(output.TableFormat, output.Result{Value: shown, Table: shown.table})
		},
	}
	version.add(cmd, "show this version only, as it stands on the wire")
	return cmd
}

// modelOf returns the messages that a name stands for: request and response of an API, or one
// message.
func modelOf(m *model.Model, name string) ([]*model.Message, error) {
	found, err := findMessage(name)
	if err != nil {
		return nil, err
	}
	first := m.Message(found)
	if first == nil {
		return nil, failed("%s has no definition", found)
	}
	if strings.EqualFold(found, name) { // a message by its own name
		return []*model.Message{first}, nil
	}
	return []*model.Message{first, m.Response(first)}, nil
}

// A shownAPI is what api show tells.
type shownAPI struct {
	Name      string         `json:"name"`
	Kind      def.Kind       `json:"kind"`
	APIKey    *int16         `json:"apiKey"` // of records their type
	About     string         `json:"about"`
	Version   *int16         `json:"version"` // null for all
	Versions  span           `json:"versions"`
	Flexible  *span          `json:"flexible"`
	Unstable  bool           `json:"unstable"`
	Listeners []string       `json:"listeners"`
	Releases  []shownRelease `json:"releases"`
	Messages  []shownMessage `json:"messages"`
}

// A shownRelease is a version of an API and the release that brought it.
type shownRelease struct {
	Version int16   `json:"version"`
	Since   *string `json:"since"` // null if no release serves it as stable
}

type shownMessage struct {
	Name          string       `json:"name"`
	Kind          def.Kind     `json:"kind"`
	HeaderVersion *int16       `json:"headerVersion,omitempty"` // of the version
	Flexible      bool         `json:"flexible"`                // in the version, or in some
	Fields        []shownField `json:"fields"`
}

type shownField struct {
	Name      string       `json:"name"`
	Type      string       `json:"type"`
	Wire      string       `json:"wire,omitempty"` // in the version
	Versions  string       `json:"versions"`
	Nullable  string       `json:"nullable,omitempty"` // versions
	Tagged    string       `json:"tagged,omitempty"`   // versions
	Tag       *int         `json:"tag,omitempty"`
	Default   *string      `json:"default,omitempty"` // null for the type's own
	Ignorable bool         `json:"ignorable,omitempty"`
	Secret    bool         `json:"secret,omitempty"`
	About     string       `json:"about"`
	Enum      *shownEnum   `json:"enum,omitempty"`
	Fields    []shownField `json:"fields,omitempty"`
}

type shownEnum struct {
	Name   string           `json:"name"`
	Values []shownEnumValue `json:"values"` // none for error codes, which franzi error lists
}

type shownEnumValue struct {
	Value any    `json:"value"`
	Name  string `json:"name"`
	About string `json:"about"`
}

func newShownEnum(e *model.Enum) *shownEnum {
	s := &shownEnum{Name: e.Name, Values: []shownEnumValue{}}
	for _, v := range e.Values {
		value := v.Value
		if x, ok := value.(float64); ok { // as encoding/json reads all numbers
			value = int64(x)
		}
		s.Values = append(s.Values, shownEnumValue{value, v.Name, v.Doc})
	}
	return s
}

func newShown(m *model.Model, name string, version versionFlag) (*shownAPI, error) {
	messages, err := modelOf(m, name)
	if err != nil {
		return nil, err
	}
	first := messages[0]
	s := &shownAPI{
		Name: first.Def.Name, Kind: first.Def.Kind, About: first.Doc,
		Versions: span{first.Def.Valid.Min, first.Def.Valid.Max}, Listeners: first.Def.Listeners, Releases: []shownRelease{},
	}
	if len(messages) > 1 {
		s.Name, s.Kind = first.Def.API(), "api"
	}
	if s.Listeners == nil {
		s.Listeners = []string{}
	}
	if first.Def.APIKey != def.NoKey {
		s.APIKey = &first.Def.APIKey
	}
	if f := first.Def.Flexible.Intersect(first.Def.Valid); !f.Empty() {
		s.Flexible = &span{f.Min, f.Max}
	}
	if version.set {
		if !first.Def.Valid.Has(version.n) {
			return nil, noVersion(s.Name, version.n, first.Def.Valid.Min, first.Def.Valid.Max)
		}
		s.Version = &version.n
	}
	if api := apiOf(first); api != nil {
		s.Unstable = api.Unstable
		s.addReleases(api)
	}
	for _, msg := range messages {
		s.Messages = append(s.Messages, newShownMessage(msg, version))
	}
	return s, nil
}

// apiOf returns the API that a request or response belongs to, nil for all others.
func apiOf(m *model.Message) *kmsg.API {
	if m.Def.Kind != def.Request && m.Def.Kind != def.Response {
		return nil
	}
	return kmsg.LookupAPI(kmsg.APIKey(m.Def.APIKey))
}

func (s *shownAPI) addReleases(api *kmsg.API) {
	for v := api.MinVersion; v <= api.MaxVersion; v++ {
		r := shownRelease{Version: v}
		if since := api.Since(v); since != "" {
			r.Since = &since
		}
		s.Releases = append(s.Releases, r)
	}
}

func newShownMessage(m *model.Message, version versionFlag) shownMessage {
	s := shownMessage{Name: m.Def.Name, Kind: m.Def.Kind, Fields: shownFields(m, m.Root, version)}
	s.Flexible = !m.Def.Flexible.Empty()
	if version.set {
		s.Flexible = m.Def.Flexible.Has(version.n)
	}
	if api := apiOf(m); api != nil && version.set {
		v := kmsg.RequestHeaderVersion(api.Key, version.n)
		if m.Def.Kind == def.Response {
			v = kmsg.ResponseHeaderVersion(api.Key, version.n)
		}
		s.HeaderVersion = &v
	}
	return s
}

func shownFields(m *model.Message, s *model.Struct, version versionFlag) []shownField {
	fields := []shownField{}
	all := s.Fields
	if version.set {
		body, tagged := wire.InOrder(s, version.n)
		all = append(body, tagged...)
	}
	for _, f := range all {
		fields = append(fields, newShownField(m, f, version))
	}
	return fields
}

func newShownField(m *model.Message, f *model.Field, version versionFlag) shownField {
	s := shownField{
		Name: f.JSONName(), Type: f.Def.Type.String(), Versions: f.Def.Versions.String(),
		Ignorable: f.Def.Ignorable, Secret: f.Secret, About: f.Doc,
	}
	if !f.Def.Nullable.Empty() {
		s.Nullable = f.Def.Nullable.String()
	}
	if f.Def.Tag >= 0 {
		s.Tagged, s.Tag = f.Def.Tagged.String(), &f.Def.Tag
	}
	if f.Def.Default != "" {
		s.Default = &f.Def.Default
	}
	if version.set {
		s.Wire = wire.Encoding(m.Def, f.Def, version.n)
	}
	if f.Enum != nil {
		s.Enum = newShownEnum(f.Enum)
	}
	if f.Struct != nil {
		s.Fields = shownFields(m, f.Struct, version)
	}
	return s
}

func (s *shownAPI) table(t *output.Table) {
	t.Line("%s %s", s.Name, s.About)
	if s.APIKey != nil {
		label := "API key"
		if s.Kind != "api" && s.Kind != def.Request && s.Kind != def.Response {
			label = "record type"
		}
		t.Row(label, strconv.Itoa(int(*s.APIKey)))
	}
	versions := s.Versions.String()
	if s.Unstable {
		versions += fmt.Sprintf(", %d unstable", s.Versions.Max)
	}
	t.Row("versions", versions)
	t.Row("flexible", dash(s.Flexible.String()))
	if len(s.Listeners) > 0 {
		t.Row("listeners", strings.Join(s.Listeners, ", "))
	}
	if len(s.Releases) > 0 {
		t.Row("since", sinceText(s.Releases))
	}
	for _, m := range s.Messages {
		m.table(t, s.Version)
	}
}

// sinceText joins neighbouring versions of the same release: "0-7 in 2.2, 8 in 2.4".
func sinceText(releases []shownRelease) string {
	var parts []string
	for len(releases) > 0 {
		name := release(releases[0].Since)
		n := slices.IndexFunc(releases, func(r shownRelease) bool { return release(r.Since) != name })
		if n < 0 {
			n = len(releases)
		}
		versions := (&span{releases[0].Version, releases[n-1].Version}).String()
		if name == "-" {
			parts = append(parts, versions+" never stable")
		} else {
			parts = append(parts, versions+" in "+name)
		}
		releases = releases[n:]
	}
	return strings.Join(parts, ", ")
}

func (m *shownMessage) table(t *output.Table, version *int16) {
	t.Line("")
	if version == nil {
		t.Line("%s", m.Name)
		t.Heading("FIELD", "TYPE", "VERSIONS", "NOTES", "ABOUT")
	} else {
		header := ""
		if m.HeaderVersion != nil {
			header = fmt.Sprintf(", after a header of version %d", *m.HeaderVersion)
		}
		t.Line("%s version %d%s", m.Name, *version, header)
		if m.Flexible {
			t.Line("Each struct ends with tagged fields: a uvarint count, then tag, size and content of each.")
		}
		t.Heading("FIELD", "WIRE", "ABOUT")
	}
	for _, f := range m.Fields {
		f.table(t, "")
	}
	if len(m.Fields) == 0 {
		t.Row("(no fields)")
	}
}

func (f *shownField) table(t *output.Table, indent string) {
	about := f.About
	if f.Enum != nil && f.Enum.Name == "ErrorCode" {
		about += " See franzi error list."
	}
	row := func(name, about string) { t.Row(name, "", about) }
	if f.Wire != "" {
		t.Row(indent+f.Name, f.Wire, about)
	} else {
		t.Row(indent+f.Name, f.Type, f.Versions, f.notes(), about)
		row = func(name, about string) { t.Row(name, "", "", "", about) }
	}
	if f.Enum != nil {
		for _, v := range f.Enum.Values {
			row(fmt.Sprintf("%s  = %v %s", indent, v.Value, v.Name), v.About)
		}
	}
	for _, inner := range f.Fields {
		inner.table(t, indent+"  ")
	}
}

// notes joins what else there is to say of a field over all versions.
func (f *shownField) notes() string {
	var notes []string
	add := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if f.Tag != nil {
		add("tag %d", *f.Tag)
		if f.Tagged != f.Versions {
			add("tagged %s", f.Tagged)
		}
	}
	if f.Nullable != "" {
		add("nullable %s", f.Nullable)
	}
	if f.Default != nil {
		add("default %s", *f.Default)
	}
	if f.Ignorable {
		add("ignorable")
	}
	if f.Secret {
		add("secret")
	}
	return strings.Join(notes, ", ")
}
