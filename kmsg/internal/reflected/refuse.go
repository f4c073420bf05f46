package reflected

import (
	"fmt"
	"reflect"

	"github.com/franzi-kafka/franzi/kbin"
)

// Refusal finds the first field of a message that its version cannot carry, and why. m
// points to the message.
func Refusal(m any, version int16) (path, reason string) {
	v := reflect.ValueOf(m).Elem()
	r := &refusal{plans: Plans{}, version: version}
	if r.structValue(v.Type().Name(), v) {
		return r.path, r.reason
	}
	return v.Type().Name(), fmt.Sprintf("holds something that version %d cannot carry", version)
}

type refusal struct {
	plans        Plans
	version      int16
	path, reason string
}

func (r *refusal) refuse(path, format string, args ...any) bool {
	r.path, r.reason = path, fmt.Sprintf(format, args...)
	return true
}

// structValue reports whether it found something.
func (r *refusal) structValue(path string, v reflect.Value) bool {
	known := map[uint32]bool{}
	for _, f := range r.plans.Of(v.Type()) {
		if f.Tagged.Has(r.version) {
			known[uint32(f.Tag)] = true
		}
		if r.field(path+"."+f.Go, f, v.Field(f.Index)) {
			return true
		}
	}
	for _, tag := range TagsOf(v).All() {
		if known[tag.Number] {
			return r.refuse(path+".UnknownTags", "has tag %d, which is a field of its own in version %d", tag.Number, r.version)
		}
	}
	return false
}

func (r *refusal) field(path string, f Field, v reflect.Value) bool {
	if !f.Versions.Has(r.version) {
		if !f.Ignore && !r.plans.IsDefault(f, v) {
			return r.refuse(path, "is set, but version %d does not carry it, only %s", r.version, f.Versions)
		}
	} else if isNil(v) && !f.Nullable.Has(r.version) {
		return r.refuse(path, "is null, which it cannot be in version %d (nullable: %s)", r.version, f.Nullable)
	}
	switch {
	case v.Type() == nullStringType:
		return r.length(path, v.Field(0).String())
	case v.Kind() == reflect.String:
		return r.length(path, v.String())
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.String:
		for i := range v.Len() {
			if r.length(fmt.Sprintf("%s[%d]", path, i), v.Index(i).String()) {
				return true
			}
		}
	}
	return f.Versions.Has(r.version) && r.inside(path, v)
}

// isNil reports whether a value is null and not just empty, whatever the version.
func isNil(v reflect.Value) bool {
	if v.Type() == nullStringType {
		return !v.Field(1).Bool()
	}
	return v.Kind() == reflect.Pointer && v.IsNil()
}

func (r *refusal) length(path, s string) bool {
	return len(s) > kbin.MaxString && r.refuse(path, "has %d bytes, the protocol carries strings of %d", len(s), kbin.MaxString)
}

func (r *refusal) inside(path string, v reflect.Value) bool {
	switch {
	case v.Kind() == reflect.Pointer && !v.IsNil():
		return r.structValue(path, v.Elem())
	case v.Kind() == reflect.Struct && v.Type() != nullStringType:
		return r.structValue(path, v)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		for i := range v.Len() {
			if r.structValue(fmt.Sprintf("%s[%d]", path, i), v.Index(i)) {
				return true
			}
		}
	}
	return false
}

// UnknownTags returns the path of the first struct with unknown tags, "" if there is none.
func UnknownTags(m any) string {
	v := reflect.ValueOf(m).Elem()
	return unknownTags(Plans{}, v.Type().Name(), v)
}

func unknownTags(plans Plans, path string, v reflect.Value) string {
	if TagsOf(v).Len() > 0 {
		return path + ".UnknownTags"
	}
	for _, f := range plans.Of(v.Type()) {
		x := v.Field(f.Index)
		at := path + "." + f.Go
		switch {
		case x.Kind() == reflect.Pointer && !x.IsNil():
			if p := unknownTags(plans, at, x.Elem()); p != "" {
				return p
			}
		case x.Kind() == reflect.Struct && x.Type() != nullStringType:
			if p := unknownTags(plans, at, x); p != "" {
				return p
			}
		case x.Kind() == reflect.Slice && x.Type().Elem().Kind() == reflect.Struct:
			for i := range x.Len() {
				if p := unknownTags(plans, fmt.Sprintf("%s[%d]", at, i), x.Index(i)); p != "" {
					return p
				}
			}
		}
	}
	return ""
}
