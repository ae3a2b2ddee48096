"""Who holds which role where: roles, groups, grants, invitations, and the explanation of all that."""
