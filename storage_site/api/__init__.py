"""What all resources of the API share: versions, bodies, errors, pages, filters, rights. Knows no resource."""
