"""Pipeline definitions read by people: drawn as a graph, compared in words. Reads JSON only; asks nothing of AWS."""
