package model

import (
	"maps"
	"slices"
	"strings"

	"github.com/franzi-kafka/franzi/gen/def"
)

// checkOverlays joins the enumerations and secrets with their fields, and finds overlay
// entries that speak of nothing and facts that no sentence speaks of.
func (l *loader) checkOverlays() {
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
			l.fail("overlay/secrets.json: %s is no bytes field", p)
		}
	}
	for _, c := range l.secrets.Configs {
		l.config(c.Value, c.Name, c.Flag)
	}
	if l.own {
		return // sentences are for our own messages
	}
	l.checkDocs()
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

func (l *loader) setEnum(f *Field, e *Enum, path string) {
	if f.Enum != nil && f.Enum != e {
		l.fail("overlay/enums.json: %s is a %s and a %s", path, f.Enum.Name, e.Name)
	}
	if f.Def.Type.Base != e.Type || !f.Def.Nullable.Empty() && !f.Def.Type.Array {
		l.fail("overlay/enums.json: %s of type %s cannot be a %s", path, f.Def.Type, e.Name)
	}
	f.Enum = e
}

func (l *loader) config(value, name, flag string) {
	f := l.at("secrets.json", value)
	if f == nil {
		return
	}
	outer := value[:strings.LastIndexByte(value, '.')]
	config := &Config{Value: f, Name: l.at("secrets.json", outer+"."+name)}
	if flag != "" {
		config.Flag = l.at("secrets.json", outer+"."+flag)
	}
	for _, m := range l.model.Messages {
		for _, s := range m.Structs {
			if slices.Contains(s.Fields, f) {
				s.Config = config
			}
		}
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
