//! What happens when something is not as it should be, or somebody means ill.
