"""Meshes with no more triangles than a small picture can show. Pure numpy on a renderer's own copy of a model."""

from __future__ import annotations

from typing import Any

import numpy as np

_FEW = 200
"""Triangles of a mesh that is left as it is."""
_MESH = 7
"""MuJoCo's number of a geom that is a mesh, `mjGEOM_MESH`."""
_ACROSS = 12
"""Cells that the longest side of a mesh takes at the least: small things keep their shape."""


def coarsen(model: Any, cell: float, still: float) -> None:
    """Leave out what is finer than a grid of some width, m, from the meshes of an `MjModel`: only looks change.

    Args:
        cell: width for what moves. still: for what stands fast, a robot's pedestal for example, which nobody looks at
            and which has as many triangles as the arm.

    Corners in one cell of the grid become one of them; triangles that thereby lose a side are dropped (Rossignac and
    Borrel 1993).
    """
    moving = _moving(model)
    for mesh in np.flatnonzero(model.mesh_facenum > _FEW):
        corners = _rows(model.mesh_vertadr[mesh], model.mesh_vertnum[mesh])
        places = model.mesh_vert[corners]
        fine = min(cell if mesh in moving else still, float(np.ptp(places, axis=0).max()) / _ACROSS)
        cells = np.floor(places / fine).astype(np.int64)
        _, first, where = np.unique(cells, axis=0, return_index=True, return_inverse=True)
        faces = _rows(model.mesh_faceadr[mesh], model.mesh_facenum[mesh])
        merged = first[where.reshape(-1)][model.mesh_face[faces]]
        a, b, c = merged.T
        kept = np.flatnonzero((a != b) & (b != c) & (c != a))
        if not len(kept):  # all of it is finer than the grid
            continue
        model.mesh_face[faces][: len(kept)] = merged[kept]
        for further in (model.mesh_facenormal, model.mesh_facetexcoord):
            further[faces][: len(kept)] = further[faces][kept]
        model.mesh_facenum[mesh] = len(kept)


def _moving(model: Any) -> set[int]:
    """The meshes of geoms that can move."""
    meshes = (model.geom_type == _MESH) & (model.body_weldid[model.geom_bodyid] != 0)
    return {int(mesh) for mesh in model.geom_dataid[meshes]}


def _rows(start: int, count: int) -> slice:
    return slice(int(start), int(start) + int(count))
