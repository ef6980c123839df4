"""Quaternion arithmetic on arrays: unit, Hamilton, ``[w, x, y, z]``, shapes (n, 4) or (4,).

Plain element-wise expressions on purpose: a row's result never depends on how many rows are
computed together, which the law of chunk invariance needs and matrix products do not give.
"""

import numpy as np

from hipturn.model import FloatArray


def multiply(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the Hamilton products ``a ⊗ b``, broadcasting over rows."""
    aw, ax, ay, az = a[..., 0], a[..., 1], a[..., 2], a[..., 3]
    bw, bx, by, bz = b[..., 0], b[..., 1], b[..., 2], b[..., 3]
    return np.stack(
        (
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ),
        axis=-1,
    )


def conjugate(q: FloatArray) -> FloatArray:
    """Return the inverse rotations of unit quaternions."""
    return np.asarray(q * np.array([1.0, -1.0, -1.0, -1.0]))


def cross(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the cross products of rows of 3."""
    ax, ay, az = a[..., 0], a[..., 1], a[..., 2]
    bx, by, bz = b[..., 0], b[..., 1], b[..., 2]
    return np.stack((ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx), axis=-1)


def dot(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the scalar products of rows of 3, without BLAS (whose rounding depends on the shape)."""
    return np.asarray(a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1] + a[..., 2] * b[..., 2])


def rotate(q_to_from: FloatArray, v_from: FloatArray) -> FloatArray:
    """Return vectors given in the *from* frame in coordinates of the *to* frame."""
    u = q_to_from[..., 1:]
    t = 2.0 * cross(u, v_from)
    return np.asarray(v_from + q_to_from[..., :1] * t + cross(u, t))


def from_rotation_vector(r: FloatArray) -> FloatArray:
    """Return the quaternions of rotation vectors (axis times angle, rad)."""
    angle = np.sqrt(dot(r, r))[..., None]
    # sin(a/2)/a by its limit at zero, so that no rotation at all stays exact
    scale = np.where(angle > 1e-9, np.sin(0.5 * angle) / np.where(angle > 1e-9, angle, 1.0), 0.5)
    return np.concatenate((np.cos(0.5 * angle), scale * r), axis=-1)


def to_rotation_vector(q: FloatArray) -> FloatArray:
    """Return axis times angle (rad, at most π), the same for q and −q."""
    q = np.where(q[..., :1] < 0.0, -q, q)
    sine = np.sqrt(dot(q[..., 1:], q[..., 1:]))[..., None]
    angle = 2.0 * np.arctan2(sine, q[..., :1])
    return np.asarray(q[..., 1:] * np.where(sine > 1e-9, angle / np.where(sine > 1e-9, sine, 1.0), 2.0))


def up_in_sensor(q_earth_from_sensor: FloatArray) -> FloatArray:
    """Return the up direction in sensor coordinates, shape (n, 3), for quaternions of shape (n, 4)."""
    w, x, y, z = (q_earth_from_sensor[..., i] for i in range(4))
    return np.stack((2.0 * (x * z - w * y), 2.0 * (y * z + w * x), w * w - x * x - y * y + z * z), axis=-1)


def mean(q: FloatArray) -> FloatArray:
    """Return the mean orientation, shape (4,), of orientations of shape (n, 4); q and −q count the same.

    Markley et al. 2007, J Guid Control Dyn 30:1193: the eigenvector of Σ q qᵀ with the largest eigenvalue.
    """
    _, vectors = np.linalg.eigh(q.T @ q)
    best: FloatArray = vectors[:, -1]
    return best if best[0] >= 0.0 else -best
