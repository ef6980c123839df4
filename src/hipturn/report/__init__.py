"""Pictures and pages of what a recording gives."""
