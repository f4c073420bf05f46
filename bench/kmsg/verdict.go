package main

// verdict says whether what was asked is met.
func verdict(asked, met bool) string {
	switch {
	case !asked:
		return ""
	case met:
		return "yes"
	}
	return "**no**"
}
