package gen

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/gen/model"
)

// WriteTables returns the files of package kmsg that are not about one message, by path:
// error codes, enumerations, the tables of APIs and releases, and constructors by key.
// Messages of folders other than home are in other packages. What is only text or numbers
// stands in internal packages, so that kmsg itself stays small to compile.
func WriteTables(m *model.Model, home string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, t := range []struct {
		path, from string
		write      func(*jen.File, *model.Model, string)
	}{
		{"error_codes.go", "errors.json", writeErrorCodes},
		{"internal/errortext/table.go", "errors.json", writeErrorTexts},
		{"enums.go", "enums.json", writeEnums},
		{"keys.go", "the definitions", writeKeys},
		{"api_table.go", "the definitions and releases.json", writeAPIs},
		{"internal/releases/table.go", "releases.json", writeReleases},
		{"constructors.go", "the definitions", writeConstructors},
	} {
		opts := Options{Package: "kmsg", ImportPath: kmsgPath}
		if dir := path.Dir(t.path); dir != "." {
			opts = Options{Package: path.Base(dir), ImportPath: kmsgPath + "/" + dir}
		}
		f := newFile(opts, t.from)
		t.write(f, m, home)
		data, err := render(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.path, err)
		}
		files[t.path] = data
	}
	return files, nil
}

func comment(f *jen.File, text string) {
	for _, line := range fold(text, 92) {
		f.Comment(line)
	}
}

func writeErrorCodes(f *jen.File, m *model.Model, _ string) {
	f.Comment("Kafka's error codes.")
	f.Const().DefsFunc(func(g *jen.Group) {
		for i, e := range m.Errors {
			if int(e.Code) != i+int(m.Errors[0].Code) {
				panic(fmt.Sprintf("gen: error codes have a gap before %d", e.Code))
			}
			for _, line := range fold(fmt.Sprintf("%s is %s. %s", e.GoName, e.Name, e.Meaning), 88) {
				g.Comment(line)
			}
			g.Id(e.GoName).Id("ErrorCode").Op("=").Lit(int(e.Code))
		}
	})
	f.Line()
	f.Const().Id("firstErrorCode").Op("=").Id(m.Errors[0].GoName)
}

func writeErrorTexts(f *jen.File, m *model.Model, _ string) {
	table := func(name, comment string, fields []jen.Code, row func(*model.ErrorCode) []jen.Code) {
		f.Line()
		f.Comment(comment)
		f.Var().Id(name).Op("=").Index(jen.Op("...")).Struct(fields...).ValuesFunc(func(g *jen.Group) {
			for _, e := range m.Errors {
				g.Line().Values(row(e)...)
			}
			g.Line()
		})
	}
	f.PackageComment("// Package errortext has what is known of Kafka's error codes, from the first one on.")
	table("Facts", "Facts has the name and meaning of each code, and whether it is retriable.",
		[]jen.Code{jen.List(jen.Id("Name"), jen.Id("Meaning")).String(), jen.Id("Retriable").Bool()},
		func(e *model.ErrorCode) []jen.Code {
			return []jen.Code{jen.Lit(e.Name), jen.Lit(e.Meaning), jen.Lit(e.Retriable)}
		})
	table("Advice", "Advice has the usual cause and the remedy of each code. Programs that do not show them do not link them.",
		[]jen.Code{jen.List(jen.Id("Cause"), jen.Id("Remedy")).String()},
		func(e *model.ErrorCode) []jen.Code { return []jen.Code{jen.Lit(e.Cause), jen.Lit(e.Remedy)} })
}

func writeEnums(f *jen.File, m *model.Model, _ string) {
	enums := slices.SortedFunc(slices.Values(m.Enums), func(a, b *model.Enum) int { return cmp.Compare(a.Name, b.Name) })
	for _, e := range enums {
		f.Line()
		comment(f, e.Name+" "+e.Doc)
		f.Type().Id(e.Name).Add(goTypes[e.Type].Clone())
		f.Line()
		f.Commentf("Values of [%s].", e.Name)
		f.Const().DefsFunc(func(g *jen.Group) {
			for _, v := range e.Values {
				for _, line := range fold(e.Prefix+v.Name+": "+v.Doc, 88) {
					g.Comment(line)
				}
				value := jen.Lit(v.Value)
				if n, ok := v.Value.(float64); ok {
					value = jen.Lit(int(n))
				}
				g.Id(e.Prefix + v.Name).Id(e.Name).Op("=").Add(value)
			}
		})
		if e.Type != def.String && e.Name != "ACLOperations" {
			enumString(f, e)
		}
	}
	f.Line()
	f.Comment("Special values of fields that are no enumeration.")
	f.Const().DefsFunc(func(g *jen.Group) {
		for _, c := range m.Constants {
			for _, line := range fold(c.Name+" "+c.Doc, 88) {
				g.Comment(line)
			}
			g.Id(c.Name).Add(goTypes[c.Type].Clone()).Op("=").Lit(int(c.Value))
		}
	})
}

func enumString(f *jen.File, e *model.Enum) {
	f.Line()
	f.Commentf("String returns the name of the value, or %s(n) for one that has none.", e.Name)
	f.Func().Params(jen.Id("x").Id(e.Name)).Id("String").Params().String().Block(
		jen.Switch(jen.Id("x")).BlockFunc(func(g *jen.Group) {
			for _, v := range e.Values {
				g.Case(jen.Id(e.Prefix + v.Name)).Block(jen.Return(jen.Lit(v.Name)))
			}
		}),
		jen.Return(jen.Id("unnamed").Call(jen.Lit(e.Name), jen.Int().Call(jen.Id("x")))),
	)
}

func writeKeys(f *jen.File, m *model.Model, _ string) {
	f.Comment("The keys of Kafka's APIs.")
	f.Const().DefsFunc(func(g *jen.Group) {
		for _, api := range m.APIs() {
			g.Id(keyName(api)).Id("APIKey").Op("=").Lit(int(api.Def.APIKey))
		}
	})
	f.Line()
	f.Comment("firstFlexible has the first flexible version of each API by key, -1 for none.")
	f.Var().Id("firstFlexible").Op("=").Index(jen.Op("...")).Int8().ValuesFunc(func(g *jen.Group) {
		for _, api := range m.APIs() {
			g.Lit(firstFlexible(api.Def))
		}
	})
}

func firstFlexible(d *def.Message) int {
	if d.Flexible.Intersect(d.Valid).Empty() {
		return -1
	}
	return int(max(d.Flexible.Min, d.Valid.Min))
}

// keyName is the name of an API key's constant.
func keyName(m *model.Message) string {
	return "Key" + strings.TrimSuffix(strings.TrimSuffix(m.GoName, "Request"), "Response")
}

func writeAPIs(f *jen.File, m *model.Model, _ string) {
	f.Comment("apiTable has all APIs by key, which is their index.")
	f.Var().Id("apiTable").Op("=").Index(jen.Op("...")).Id("API").ValuesFunc(func(g *jen.Group) {
		for i, api := range m.APIs() {
			if int(api.Def.APIKey) != i {
				panic(fmt.Sprintf("gen: API keys have a gap before %d", api.Def.APIKey))
			}
			g.Line().Values(jen.DictFunc(func(d jen.Dict) { apiRow(d, m, api) }))
		}
		g.Line()
	})
}

func apiRow(d jen.Dict, m *model.Model, api *model.Message) {
	def := api.Def
	d[jen.Id("Key")] = jen.Id(keyName(api))
	d[jen.Id("Name")] = jen.Lit(def.API())
	d[jen.Id("MaxVersion")] = jen.Lit(int(def.Valid.Max))
	if def.Valid.Min != 0 {
		d[jen.Id("MinVersion")] = jen.Lit(int(def.Valid.Min))
	}
	d[jen.Id("FlexibleFrom")] = jen.Lit(firstFlexible(def))
	if def.LatestUnstable {
		d[jen.Id("Unstable")] = jen.True()
	}
	for _, l := range []struct{ listener, field string }{{"broker", "Broker"}, {"controller", "Controller"}, {"zkBroker", "ZkBroker"}} {
		if slices.Contains(def.Listeners, l.listener) {
			d[jen.Id(l.field)] = jen.True()
		}
	}
	var releases []string
	for v := def.Valid.Min; v <= def.Valid.Max; v++ {
		releases = append(releases, since(m, def.API(), v))
	}
	d[jen.Id("since")] = jen.Lit(strings.Join(releases, " "))
}

// since returns the release that first served a version of an API: "2.4", or "-" if none
// has it stable.
func since(m *model.Model, api string, v int16) string {
	for _, r := range m.Releases {
		versions, ok := r.APIs[api]
		if !ok || !versions.Has(v) || v == versions.Max && slices.Contains(r.Unstable, api) {
			continue
		}
		return minor(r.Release)
	}
	return "-"
}

// minor leaves the bug fix number away: "4.4" of "4.4.0", "0.10.2" of "0.10.2.2".
func minor(release string) string {
	if strings.HasPrefix(release, "0.") && strings.Count(release, ".") == 2 {
		return release
	}
	return release[:strings.LastIndexByte(release, '.')]
}

func writeReleases(f *jen.File, m *model.Model, _ string) {
	f.PackageComment("// Package releases has the versions of APIs that each release of Kafka serves.")
	f.Comment("A Range is the range of versions that somebody serves of the API with the key.")
	f.Type().Id("Range").Struct(jen.List(jen.Id("Key"), jen.Id("Min"), jen.Id("Max")).Int16())
	f.Line()
	f.Comment("A Release is what brokers and KRaft controllers of a release serve as stable, by key.")
	f.Type().Id("Release").Struct(jen.Id("Name").String(), jen.List(jen.Id("Broker"), jen.Id("Controller")).Index().Id("Range"))
	f.Line()
	f.Comment("Table has all releases, oldest first.")
	f.Var().Id("Table").Op("=").Index(jen.Op("...")).Id("Release").ValuesFunc(func(g *jen.Group) {
		for _, r := range m.Releases {
			g.Line().Values(jen.DictFunc(func(d jen.Dict) {
				d[jen.Id("Name")] = jen.Lit(minor(r.Release))
				d[jen.Id("Broker")] = releaseRanges(m, r, slices.Concat(r.Broker, r.ZkBroker))
				if len(r.Controller) > 0 {
					d[jen.Id("Controller")] = releaseRanges(m, r, r.Controller)
				}
			}))
		}
		g.Line()
	})
}

// releaseRanges lists the stable versions of the given APIs, by key.
func releaseRanges(m *model.Model, r *model.Release, names []string) *jen.Statement {
	return jen.Index().Id("Range").ValuesFunc(func(g *jen.Group) {
		n := 0
		for _, api := range m.APIs() {
			name := api.Def.API()
			versions, ok := r.APIs[name]
			if !ok || !slices.Contains(names, name) {
				continue
			}
			if slices.Contains(r.Unstable, name) {
				versions.Max--
			}
			if versions.Empty() {
				continue
			}
			item := jen.Values(jen.Lit(int(api.Def.APIKey)), jen.Lit(int(versions.Min)), jen.Lit(int(versions.Max)))
			if n%8 == 0 {
				g.Line().Add(item)
			} else {
				g.Add(item)
			}
			n++
		}
		g.Line()
	})
}

func writeConstructors(f *jen.File, m *model.Model, home string) {
	f.Comment("NewRequest returns an empty request of the API with that key, of version 0, or nil if there is none.")
	f.Comment("Whoever calls it links all messages.")
	f.Func().Id("NewRequest").Params(jen.Id("key").Id("APIKey")).Id("Request").Block(
		jen.Var().Id("r").Id("Request"),
		jen.Switch(jen.Id("key")).BlockFunc(func(g *jen.Group) {
			for _, api := range m.APIs() {
				g.Case(jen.Id(keyName(api))).Block(jen.Id("r").Op("=").New(jen.Id(api.GoName)))
			}
			g.Default().Block(jen.Return(jen.Nil()))
		}),
		jen.Id("r").Dot("Reset").Call(),
		jen.Return(jen.Id("r")))
	f.Line()
	f.Comment("NewMessage returns an empty message by its name in Kafka, like MetadataRequest or LeaderChangeMessage,")
	f.Comment("of version 0, or nil if this package has none of that name. Whoever calls it links all messages.")
	f.Func().Id("NewMessage").Params(jen.Id("name").String()).Id("Message").Block(
		jen.Var().Id("m").Id("Message"),
		jen.Switch(jen.Id("name")).BlockFunc(func(g *jen.Group) {
			for _, msg := range m.Messages {
				if msg.Folder == home {
					g.Case(jen.Lit(msg.Def.Name)).Block(jen.Id("m").Op("=").New(jen.Id(msg.GoName)))
				}
			}
			g.Default().Block(jen.Return(jen.Nil()))
		}),
		jen.Id("m").Dot("Reset").Call(),
		jen.Return(jen.Id("m")))
	f.Line()
	f.Comment("MessageNames returns the names that NewMessage knows, sorted.")
	f.Func().Id("MessageNames").Params().Index().String().Block(
		jen.Return(jen.Index().String().ValuesFunc(func(g *jen.Group) {
			for _, msg := range m.Messages {
				if msg.Folder == home {
					g.Line().Lit(msg.Def.Name)
				}
			}
			g.Line()
		})))
}

// WriteRecordTable returns the file of package kmsg/state that finds messages by name and
// records by type: all messages of folders other than home.
func WriteRecordTable(m *model.Model, home string) ([]byte, error) {
	f := newFile(Options{Package: "state", ImportPath: kmsgPath + "/state"}, "the definitions")
	var messages []*model.Message
	for _, msg := range m.Messages {
		if msg.Folder != home {
			messages = append(messages, msg)
		}
	}
	f.Comment("NewMessage returns an empty message by its name in Kafka, like OffsetCommitValue, or nil if this package")
	f.Comment("has none of that name. Its version is 0. Whoever calls it links all messages.")
	f.Func().Id("NewMessage").Params(jen.Id("name").String()).Add(kmsg("Message")).Block(
		jen.Var().Id("m").Add(kmsg("Message")),
		jen.Switch(jen.Id("name")).BlockFunc(func(g *jen.Group) {
			for _, msg := range messages {
				g.Case(jen.Lit(msg.Def.Name)).Block(jen.Id("m").Op("=").New(jen.Id(msg.GoName)))
			}
			g.Default().Block(jen.Return(jen.Nil()))
		}),
		jen.Id("m").Dot("Reset").Call(),
		jen.Return(jen.Id("m")))
	f.Line()
	f.Comment("MessageNames returns the names that NewMessage knows, sorted.")
	f.Func().Id("MessageNames").Params().Index().String().Block(
		jen.Return(jen.Index().String().ValuesFunc(func(g *jen.Group) {
			for _, msg := range messages {
				g.Line().Lit(msg.Def.Name)
			}
			g.Line()
		})))
	for _, log := range []struct {
		function, folder, topic string
		kind                    def.Kind
	}{
		{"groupKey", "group-coordinator", "keys of __consumer_offsets", def.CoordinatorKey},
		{"groupValue", "group-coordinator", "values of __consumer_offsets", def.CoordinatorValue},
		{"transactionKey", "transaction-coordinator", "keys of __transaction_state", def.CoordinatorKey},
		{"transactionValue", "transaction-coordinator", "values of __transaction_state", def.CoordinatorValue},
		{"shareKey", "share-coordinator", "keys of __share_group_state", def.CoordinatorKey},
		{"shareValue", "share-coordinator", "values of __share_group_state", def.CoordinatorValue},
		{"metadataRecord", "metadata", "records of __cluster_metadata", def.Metadata},
		{"remoteLogRecord", "storage", "records of __remote_log_metadata", def.Metadata},
	} {
		f.Line()
		f.Commentf("%s returns an empty message for the %s of a type, nil if the type is unknown.", log.function, log.topic)
		f.Func().Id(log.function).Params(jen.Id("recordType").Int16()).Add(kmsg("Message")).Block(
			jen.Switch(jen.Id("recordType")).BlockFunc(func(g *jen.Group) {
				for _, msg := range byRecordType(m, log.folder, log.kind) {
					g.Case(jen.Lit(int(recordType(m, msg)))).BlockFunc(func(g *jen.Group) {
						if first := msg.Def.Valid.Min; first > 0 { // its only version
							g.Return(jen.Op("&").Id(msg.GoName).Values(jen.Dict{jen.Id("Version"): jen.Lit(int(first))}))
						} else {
							g.Return(jen.Id("New" + msg.GoName).Call())
						}
					})
				}
			}),
			jen.Return(jen.Nil()))
	}
	return render(f)
}

// recordType is the type by which a record is found. Keys of before 4.1 that no later
// release has say it by their version, see package importer.
func recordType(m *model.Model, msg *model.Message) int16 {
	if msg.Def.APIKey != def.NoKey {
		return msg.Def.APIKey
	}
	if key := m.Message(strings.TrimSuffix(msg.Def.Name, "Value") + "Key"); key != nil {
		return key.Def.Valid.Min
	}
	return msg.Def.Valid.Min
}

func byRecordType(m *model.Model, folder string, kind def.Kind) []*model.Message {
	suffix := map[def.Kind]string{def.CoordinatorKey: "Key", def.CoordinatorValue: "Value"}[kind]
	var found []*model.Message
	for _, msg := range m.Messages {
		old := msg.Def.Kind == def.Data && suffix != "" && strings.HasSuffix(msg.Def.Name, suffix)
		if msg.Folder == folder && (msg.Def.Kind == kind || old) {
			found = append(found, msg)
		}
	}
	slices.SortFunc(found, func(a, b *model.Message) int { return int(recordType(m, a)) - int(recordType(m, b)) })
	return found
}
