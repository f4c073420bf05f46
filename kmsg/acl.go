package kmsg

import "strings"

// ACLOperationsOf returns the set of the given operations.
func ACLOperationsOf(operations ...ACLOperation) ACLOperations {
	var set ACLOperations
	for _, o := range operations {
		set |= 1 << o
	}
	return set
}

// Has reports whether the set is known and has the operation.
func (s ACLOperations) Has(o ACLOperation) bool {
	return s != ACLOperationsOmitted && o >= 0 && o < 31 && s&(1<<o) != 0
}

// String lists the operations.
func (s ACLOperations) String() string {
	switch s {
	case ACLOperationsOmitted:
		return "Omitted"
	case 0:
		return "none"
	}
	var names []string
	for o := range ACLOperation(31) {
		if s.Has(o) {
			names = append(names, o.String())
		}
	}
	return strings.Join(names, ", ")
}
