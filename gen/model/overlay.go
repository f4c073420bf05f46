package model

import (
	"go/token"
	"maps"
	"slices"
	"strings"

	"github.com/franzi-kafka/franzi/gen/def"
)

// checkOverlays joins the enumerations and secrets with their fields, and finds overlay
// entries that speak of nothing and facts that no sentence speaks of.
func (l *loader) checkOverlays() {
	l.checkEnums()
	for _, e := range l.enums.Enums {
		for _, p := range e.Fields {
			if f := l.at("enums.json", p); f != nil {
				l.setEnum(f, e, p)
			}
		}
	}
	for _, p := range l.secrets.Bytes {
		f := l.at("secrets.json", p)
		if f == nil {
			continue
		}
		if f.Secret = f.Def.Type.Base == def.Bytes && !f.Def.Type.Array; !f.Secret {
			l.misfit("overlay/secrets.json: %s is no bytes field", p)
		}
	}
	for _, c := range l.secrets.Configs {
		l.config(c.Value, c.Name, c.Flag)
	}
	l.checkHot()
	if l.own {
		return // sentences and tables are for our own messages
	}
	l.checkDocs()
	l.checkKeys()
}

// at returns the field that an overlay speaks of. Overlays may speak of messages that a
// folder of the user's own does not have.
func (l *loader) at(overlay, path string) *Field {
	f := l.paths[path]
	if f == nil && !l.own {
		l.fail("overlay/%s: there is no field %s", overlay, path)
	}
	return f
}

// misfit reports that an overlay does not fit a field, which it need not if the definitions
// are the user's own.
func (l *loader) misfit(format string, args ...any) {
	if !l.own {
		l.fail(format, args...)
	}
}

// enumTypes has, by the types that enumerations can have, how large their numbers can be.
var enumTypes = map[def.Base]int64{def.Int8: 1<<7 - 1, def.Int16: 1<<15 - 1, def.Int32: 1<<31 - 1, def.Int64: 1<<53 - 1, def.String: 0}

// checkEnums finds what is wrong with enumerations and constants by themselves.
func (l *loader) checkEnums() {
	names := map[string]bool{errorCodeEnum.Name: true}
	declare := func(name, what string) {
		if !token.IsIdentifier(name) || !token.IsExported(name) {
			l.fail("overlay/enums.json: %q cannot be the name of %s", name, what)
		}
		if names[name] {
			l.fail("overlay/enums.json: %s is there twice", name)
		}
		names[name] = true
	}
	for _, e := range l.enums.Enums {
		declare(e.Name, "an enumeration")
		if _, ok := enumTypes[e.Type]; !ok {
			l.fail("overlay/enums.json: %s cannot be of type %q: use int8, int16, int32, int64 or string", e.Name, e.Type)
		}
		if e.Doc == "" {
			l.fail("overlay/enums.json: no sentence says what %s is", e.Name)
		}
		if len(e.Values) == 0 || len(e.Fields) == 0 {
			l.fail("overlay/enums.json: %s has %d values and %d fields, but needs both", e.Name, len(e.Values), len(e.Fields))
		}
		values := map[any]bool{}
		for _, v := range e.Values {
			declare(e.Prefix+v.Name, "a value of "+e.Name)
			if v.Doc == "" {
				l.fail("overlay/enums.json: no sentence says what %s is", e.Prefix+v.Name)
			}
			if !e.holds(v.Value) {
				l.fail("overlay/enums.json: %s cannot have the value %v: it is of type %s", e.Prefix+v.Name, v.Value, e.Type)
				continue
			}
			if values[v.Value] {
				l.fail("overlay/enums.json: %s has the value %v twice", e.Name, v.Value)
			}
			values[v.Value] = true
		}
	}
	for _, c := range l.enums.Constants {
		declare(c.Name, "a constant")
		if limit, ok := enumTypes[c.Type]; !ok || c.Value < -limit-1 || c.Value > limit {
			l.fail("overlay/enums.json: %s of type %s cannot have the value %d", c.Name, c.Type, c.Value)
		}
		if c.Doc == "" {
			l.fail("overlay/enums.json: no sentence says what %s is", c.Name)
		}
	}
}

// holds reports whether a value, as JSON has it, can be one of the enumeration.
func (e *Enum) holds(value any) bool {
	switch x := value.(type) {
	case string:
		return e.Type == def.String
	case float64:
		limit := float64(enumTypes[e.Type])
		return e.Type != def.String && x == float64(int64(x)) && x >= -limit-1 && x <= limit
	}
	return false
}

func (l *loader) setEnum(f *Field, e *Enum, path string) {
	if f.Enum != nil && f.Enum != e {
		l.fail("overlay/enums.json: %s is a %s and a %s", path, f.Enum.Name, e.Name)
	}
	if f.Def.Type.Base != e.Type || !f.Def.Nullable.Empty() && !f.Def.Type.Array {
		l.misfit("overlay/enums.json: %s of type %s cannot be a %s", path, f.Def.Type, e.Name)
		return
	}
	f.Enum = e
}

// config notes which fields of a struct are a config. Code that hides its value wants a
// string that may be null, its name, and a flag if there is one.
func (l *loader) config(value, name, flag string) {
	f := l.at("secrets.json", value)
	if f == nil {
		return
	}
	outer := value[:strings.LastIndexByte(value, '.')]
	beside := func(name string, base def.Base) *Field {
		f := l.at("secrets.json", outer+"."+name)
		if f != nil && (f.Def.Type.Base != base || f.Def.Type.Array || !f.Def.Nullable.Empty()) {
			l.misfit("overlay/secrets.json: %s of type %s is no %s", f.Path, f.Def.Type, base)
			return nil
		}
		return f
	}
	config := &Config{Value: f, Name: beside(name, def.String)}
	if flag != "" {
		config.Flag = beside(flag, def.Bool)
	}
	if f.Def.Type.Base != def.String || f.Def.Type.Array || f.Def.Nullable.Empty() {
		l.misfit("overlay/secrets.json: %s of type %s is no string that may be null", value, f.Def.Type)
		return
	}
	if config.Name == nil {
		return
	}
	for _, m := range l.model.Messages {
		for _, s := range m.Structs {
			if slices.Contains(s.Fields, f) {
				s.Config = config
			}
		}
	}
}

// checkHot notes which messages are hot. Those of the user's own all are: there are few.
func (l *loader) checkHot() {
	for _, name := range l.hot {
		if m := l.model.byName[name]; m != nil {
			m.Hot = true
		} else if !l.own {
			l.fail("overlay/hot.json: there is no message %s", name)
		}
	}
	for _, m := range l.model.Messages {
		m.Hot = m.Hot || l.own
	}
}

func (l *loader) checkDocs() {
	usedFields, usedPaths := map[string]bool{}, map[string]bool{}
	for _, m := range l.model.Messages {
		if m.Doc == "" {
			l.fail("overlay/docs.json: no sentence says what %s is for", m.Def.Name)
		}
		for _, s := range m.Structs {
			for _, f := range s.Fields {
				if f.Doc == "" {
					l.fail("overlay/docs.json: no sentence for the field %s", f.Path)
				}
				usedFields[f.Def.Name] = true
			}
		}
	}
	for p := range l.paths {
		usedPaths[p] = true
	}
	for _, name := range slices.Sorted(maps.Keys(l.docs.Fields)) {
		if !usedFields[name] {
			l.fail("overlay/docs.json: no message has a field %s", name)
		}
	}
	for _, p := range slices.Sorted(maps.Keys(l.docs.Paths)) {
		if !usedPaths[p] {
			l.fail("overlay/docs.json: there is no field %s", p)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.docs.Messages)) {
		if l.model.byName[name] == nil {
			l.fail("overlay/docs.json: there is no message %s", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.docs.APIs)) {
		if l.model.byName[name+"Request"] == nil {
			l.fail("overlay/docs.json: there is no API %s", name)
		}
	}
}

// checkKeys finds gaps in what generated tables have by number.
func (l *loader) checkKeys() {
	for i, api := range l.model.APIs() {
		if int(api.Def.APIKey) != i {
			l.fail("there is no API with the key %d, but %s has the key %d: import a release that has it", i, api.Def.API(), api.Def.APIKey)
			break
		}
	}
	for i, e := range l.model.Errors {
		if first := l.model.Errors[0].Code; int(e.Code) != int(first)+i {
			l.fail("errors.json: there is no error code %d, but %s is %d: import a release that has it", int(first)+i, e.Name, e.Code)
			break
		}
	}
}
