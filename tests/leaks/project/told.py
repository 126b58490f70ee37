"""A category of warnings; where xdist distributes, its controller has to find it, too."""


class Told(Warning):
    """A warning that cannot be made of one text."""

    def __init__(self, what, where):
        super().__init__(what, where)
