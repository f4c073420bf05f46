package gen

import (
	"github.com/dave/jennifer/jen"

	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/gen/model"
)

// messageMethods writes what every message has.
func (w *writer) messageMethods() {
	m, d, root := w.message, w.message.Def, w.message.Root
	name := m.GoName

	w.Commentf("New%s returns a message with Kafka's defaults, of version 0.", name)
	w.Func().Id("New" + name).Params().Op("*").Id(name).Block(jen.Return(jen.Op("&").Add(defaults(root, false))))

	w.Comment("APIKey tells which API the message belongs to.")
	w.Func().Params(jen.Op("*").Id(name)).Id("APIKey").Params().Add(kmsg("APIKey")).Block(jen.Return(w.apiKey()))
	if d.Kind == def.Metadata || d.Kind == def.CoordinatorKey || d.Kind == def.CoordinatorValue {
		w.Comment("RecordType is the number of the record's type.")
		w.Func().Params(jen.Op("*").Id(name)).Id("RecordType").Params().Int16().Block(jen.Return(jen.Lit(int(d.APIKey))))
	}
	w.Comment("APIVersion returns Version.")
	w.method(root, "APIVersion").Params().Int16().Block(jen.Return(jen.Id("m").Dot("Version")))
	w.Comment("SetAPIVersion sets Version.")
	w.method(root, "SetAPIVersion").Params(jen.Id("v").Int16()).Block(jen.Id("m").Dot("Version").Op("=").Id("v"))
	if d.Kind == def.Request {
		w.requestMethods()
	}
	if w.model.Own && (d.Kind == def.Request || d.Kind == def.Response) {
		w.headerVersion()
	}

	w.Comment("Reset sets all fields but Version to Kafka's defaults.")
	w.method(root, "Reset").Params().Block(jen.Op("*").Id("m").Op("=").Add(defaults(root, true)))

	w.check()
	w.appendTo()
	w.decodeFrom()

	w.Comment("Clone returns a copy that shares no memory.")
	w.method(root, "Clone").Params().Op("*").Id(name).Block(
		jen.Id("c").Op(":=").New(jen.Id(name)),
		kmsg("DeepCopy").Call(jen.Id("c"), jen.Id("m")),
		jen.Return(jen.Id("c")))

	w.Comment("String shows the message for logs: secrets are hidden, records counted.")
	w.method(root, "String").Params().String().Block(jen.Return(kmsg("Text").Call(jen.Id("m"))))
}

// apiKey is the constant of the message's key; messages of somebody's own have a number.
func (w *writer) apiKey() *jen.Statement {
	d := w.message.Def
	switch {
	case d.Kind != def.Request && d.Kind != def.Response:
		return kmsg("NoAPIKey")
	case w.model.Own:
		return jen.Lit(int(d.APIKey))
	}
	return kmsg(keyName(w.message))
}

func (w *writer) requestMethods() {
	response := w.model.Response(w.message).Root
	w.Commentf("NewResponse returns a [%s] of the same version, with Kafka's defaults.", response.GoName)
	fresh := jen.Return(jen.Op("&").Add(defaults(response, true)))
	w.method(w.message.Root, "NewResponse").Params().Op("*").Id(response.GoName).Block(fresh)
	w.Comment("Response returns what NewResponse does. A call of it would inline, which takes more room.")
	w.method(w.message.Root, "Response").Params().Add(kmsg("Response")).Block(fresh.Clone())
	w.Comment("ShallowCopy returns a copy that shares slices and pointers.")
	w.method(w.message.Root, "ShallowCopy").Params().Add(kmsg("Request")).Block(
		jen.Id("c").Op(":=").Op("*").Id("m"),
		jen.Return(jen.Op("&").Id("c")))
}

// headerVersion writes which header goes before a message that package kmsg does not know.
func (w *writer) headerVersion() {
	d := w.message.Def
	w.Comment("HeaderVersion is the version of the header that goes before the message.")
	w.method(w.message.Root, "HeaderVersion").Params().Int16().BlockFunc(func(g *jen.Group) {
		headers := headerVersions(d)
		for i := len(headers) - 1; i > 0; i-- {
			g.If(jen.Id("m").Dot("Version").Op(">=").Lit(int(headers[i].Versions.Min))).Block(jen.Return(jen.Lit(int(headers[i].Header))))
		}
		g.Return(jen.Lit(int(headers[0].Header)))
	})
}

// headerVersions tells the header of each range of versions: by the definition, where it
// says so, else by the rules that Kafka has in code. Flexible requests have header 2 and
// other requests 1, but ControlledShutdown 0 has 0; flexible responses have 1 and others 0,
// but ApiVersions always 0, since a client must read the answer before it knows what the
// broker speaks (KIP-511).
func headerVersions(d *def.Message) []def.HeaderVersion {
	if len(d.HeaderVersions) > 0 {
		return d.HeaderVersions
	}
	classic, flexible := int16(1), int16(2)
	if d.Kind == def.Response {
		classic, flexible = 0, 1
		if d.APIKey == 18 {
			flexible = 0
		}
	}
	var headers []def.HeaderVersion
	for v := d.Valid.Min; v <= d.Valid.Max; v++ {
		header := classic
		if d.Flexible.Has(v) {
			header = flexible
		}
		if d.Kind == def.Request && d.APIKey == 7 && v == 0 {
			header = 0
		}
		if len(headers) == 0 || headers[len(headers)-1].Header != header {
			headers = append(headers, def.HeaderVersion{Versions: def.Versions{Min: v, Max: v}, Header: header})
		}
	}
	return headers
}

// redacted writes the methods that hide a config's value if it is a secret.
func (w *writer) redacted(s *model.Struct) {
	c := s.Config
	secret := kbin("SensitiveConfig").Call(jen.Id("m").Dot(c.Name.GoName))
	if c.Flag != nil {
		secret = jen.Id("m").Dot(c.Flag.GoName).Op("||").Add(secret)
	}
	method := func(name string) *jen.Statement { return w.Func().Params(jen.Id("m").Id(s.GoName)).Id(name) }
	plain := jen.Type().Id("plain").Id(s.GoName)
	redacted := jen.Id("plain").Call(jen.Id("m").Dot("redacted").Call())

	w.Commentf("IsSecret reports whether %s must not be shown.", c.Value.GoName)
	method("IsSecret").Params().Bool().Block(jen.Return(secret))
	hide := func(config jen.Code, value *model.Field) jen.Code {
		v := jen.Add(config).Dot(value.GoName)
		return jen.If(v.Clone().Dot("Valid")).Block(v.Clone().Dot("S").Op("=").Add(kbin("Redacted")))
	}
	method("redacted").Params().Id(s.GoName).BlockFunc(func(g *jen.Group) {
		g.If(jen.Op("!").Id("m").Dot("IsSecret").Call()).Block(jen.Return(jen.Id("m")))
		g.Add(hide(jen.Id("m"), c.Value))
		for _, f := range s.Fields { // synonyms of a secret are secrets, whatever their names
			if f.Struct == nil || f.Struct.Config == nil || !f.Def.Type.Array {
				continue
			}
			list := jen.Id("m").Dot(f.GoName)
			g.Add(list.Clone().Op("=").Qual("slices", "Clone").Call(list.Clone()))
			g.For(jen.Id("i").Op(":=").Range().Add(list.Clone())).Block(hide(list.Clone().Index(jen.Id("i")), f.Struct.Config.Value))
		}
		g.Return(jen.Id("m"))
	})
	w.Comment("Format prints the struct without secrets, for all verbs of package fmt.")
	method("Format").Params(jen.Id("f").Qual("fmt", "State"), jen.Id("verb").Rune()).Block(
		plain, kbin("FormatRedacted").Call(jen.Id("f"), jen.Id("verb"), redacted))
	w.Comment("MarshalText prints the struct without secrets, for encoding/json and log/slog.")
	method("MarshalText").Params().Params(jen.Index().Byte(), jen.Error()).Block(
		plain.Clone(), jen.Return(kbin("TextRedacted").Call(redacted.Clone()), jen.Nil()))
}
